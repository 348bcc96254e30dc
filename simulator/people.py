"""The people, companies and accounts of the country, drawn once and then left as they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator import identities, texts
from simulator.moves import DAY, NOBODY, Indices

# ISO 3166-2:KZ → people, in thousands.
REGIONS: Final[dict[str, int]] = {
    "KZ-10": 608, "KZ-11": 788, "KZ-15": 940, "KZ-19": 1540, "KZ-23": 710, "KZ-27": 694, "KZ-31": 1220,
    "KZ-33": 698, "KZ-35": 1135, "KZ-39": 830, "KZ-43": 840, "KZ-47": 800, "KZ-55": 755, "KZ-59": 530,
    "KZ-61": 2140, "KZ-62": 222, "KZ-63": 725, "KZ-71": 1430, "KZ-75": 2230, "KZ-79": 1220,
}  # fmt: skip
# Institution → its code in an IBAN, its share of the people's main accounts. Those without a share are microfinance
# organisations. A smaller center takes the first few: the first six have banks and a lender among them.
INSTITUTIONS: Final[dict[str, tuple[int, float]]] = {
    "CASPKZKA": (722, 0.42),
    "HSBKKZKX": (601, 0.22),
    "IRTYKZKA": (965, 0.075),
    "KCJBKZKX": (856, 0.07),
    "TSESKZKA": (998, 0.045),
    "MFOKKZKA": (990, 0.0),
    "HCSKKZKA": (972, 0.05),
    "EURIKZKA": (948, 0.03),
    "KSNVKZKA": (551, 0.03),
    "SABRKZKA": (914, 0.02),
    "KINCKZKA": (821, 0.012),
    "INLMKZKA": (886, 0.01),
    "ALFAKZKA": (947, 0.006),
    "KPSTKZKA": (563, 0.005),
    "NURSKZKX": (849, 0.003),
    "VTBAKZKZ": (432, 0.002),
    "SHBKKZKA": (435, 0.001),
    "ZAJSKZ22": (896, 0.001),
    "MFOAKZKA": (991, 0.0),
    "MFOBKZKA": (992, 0.0),
    "MFODKZKA": (993, 0.0),
    "MFOTKZKA": (994, 0.0),
}
FEWEST_INSTITUTIONS: Final = 6

NONE, WORKER, TRADER, PENSIONER, STUDENT = range(5)
FRIENDS: Final = 6
FAVOURITES: Final = 6
SMALLEST: Final = 100


class Picker:
    """Picks one of a set of places by popularity, inside the region that each pick asks for."""

    def __init__(self, items: Indices, regions: NDArray[np.int8], weights: NDArray[np.float64]) -> None:
        order = np.argsort(regions, kind="stable")
        self._items = items[order]
        self._sums = np.concatenate([[0.0], np.cumsum(weights[order])])
        bounds = np.searchsorted(regions[order], np.arange(len(REGIONS) + 1))
        # A region without such a place goes to the whole country.
        empty = bounds[:-1] == bounds[1:]
        self._low = np.where(empty, 0.0, self._sums[bounds[:-1]])
        self._high = np.where(empty, self._sums[-1], self._sums[bounds[1:]])

    def pick(self, rng: np.random.Generator, regions: NDArray[np.int8]) -> Indices:
        """One place for each region given."""
        low, high = self._low[regions], self._high[regions]
        place = np.searchsorted(self._sums, low + rng.random(len(regions)) * (high - low), side="right") - 1
        chosen: Indices = self._items[np.minimum(place, len(self._items) - 1)]
        return chosen


@dataclass
class Population:
    """Everybody and everything that can pay or be paid.

    Parties are people first, then companies; the main account of a party has the party's own position, and further
    accounts follow. Device i is person i's telephone, device people + i the computer; others are made when needed.
    """

    seed: int
    people: int
    # parties
    identifier: list[str]
    name: list[str]
    phone: list[str]
    region: NDArray[np.int8]
    # people
    age: NDArray[np.int64]
    occupation: NDArray[np.int8]
    employer: Indices
    salary: NDArray[np.int64]
    activity: NDArray[np.float64]
    spending: NDArray[np.float64]
    friends: Indices
    shops: Indices
    traders: Indices
    device: Indices
    second_account: Indices
    landlord: Indices
    lender: Indices
    bill_day: Indices
    # institutions, as positions in INSTITUTIONS
    banks: Indices
    lenders: Indices  # microfinance organisations
    bank_shares: NDArray[np.float64]
    # companies
    company: dict[str, Indices]
    category: Indices  # of every party: position in texts.MERCHANTS, or NOBODY
    payday: Indices  # of every party that pays salaries
    shop_picker: Picker
    trader_picker: Picker
    # accounts
    owner: list[int] = field(default_factory=list)
    institution: list[int] = field(default_factory=list)
    opened_at: list[int] = field(default_factory=list)
    devices: int = 0
    # Accounts that no institution of the country keeps: how they are written.
    outside: dict[int, str] = field(default_factory=dict)

    def open_account(self, owner: int, opened_at: int, institution: int) -> int:
        """A further account of a party."""
        self.owner.append(owner)
        self.institution.append(institution)
        self.opened_at.append(opened_at)
        return len(self.owner) - 1

    def outside_account(self, written: str) -> int:
        """An account abroad or a wallet, which can only be paid: the members of its JSON."""
        account = self.open_account(0, 0, 0)
        self.outside[account] = written
        return account

    def account_number(self, account: int) -> str:
        """The number of one account, as `iban` tells it."""
        code = list(INSTITUTIONS.values())[self.institution[account]][0]
        return identities.account_numbers(np.array([code]), self._serials(np.array([account])))[0]

    def new_device(self) -> int:
        """A device that nobody has used yet."""
        self.devices += 1
        return self.devices - 1

    def iban(self) -> list[str]:
        """The number of each account."""
        codes = np.array([code for code, _ in INSTITUTIONS.values()])[np.array(self.institution)]
        return identities.account_numbers(codes, self._serials(np.arange(len(self.owner))))

    def _serials(self, accounts: Indices) -> Indices:
        # An odd factor permutes 40-bit numbers: serials are distinct and do not betray the order of opening.
        serials: Indices = (accounts * 0x9E3779B1 + self.seed * 7919) % 2**38
        return serials


def populate(people: int, seed: int, start: int, institutions: int = len(INSTITUTIONS)) -> Population:
    """Draw a country of that many people and institutions, as it stands at `start`."""
    rng = np.random.default_rng([seed, 1])
    shares = np.array(list(REGIONS.values()), dtype=np.float64)
    region = np.sort(rng.choice(len(REGIONS), people, p=shares / shares.sum())).astype(np.int8)
    age = np.clip(rng.gamma(5.0, 6.0, people) + 15, 16, 85).astype(np.int64)
    female = rng.random(people) < 0.52
    today = np.datetime64(start // DAY, "D")
    born = today - (age * 365.25 + rng.integers(1, 350, people)).astype(np.int64)
    occupation = _occupations(age, rng)

    share = np.array([share for _, share in INSTITUTIONS.values()])[:institutions]
    banks, mfos = np.flatnonzero(share > 0), np.flatnonzero(share == 0)
    bank_shares = share[banks] / share[banks].sum()
    companies, registered, names = _companies(people, len(banks), len(mfos), rng)
    company_region = np.concatenate([regions for regions, _ in companies.values()])
    parties = people + len(company_region)
    company, position = {}, people
    for kind, (regions, _) in companies.items():
        company[kind] = np.arange(position, position + len(regions))
        position += len(regions)
    category = np.full(parties, NOBODY)
    category[company["shop"]] = companies["shop"][1]

    paying = np.concatenate([company["employer"], company["shop"]])
    sizes = np.concatenate(
        [rng.pareto(1.1, len(company["employer"])) * 12 + 3, rng.pareto(1.6, len(company["shop"])) * 2 + 1]
    )
    all_regions = np.concatenate([region, company_region])
    employers = Picker(paying, all_regions[paying], sizes)
    payday = np.zeros(parties, dtype=np.int64)
    payday[paying] = rng.choice([5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 28, 31], len(paying))

    trader = np.flatnonzero(occupation == TRADER)
    popularity = rng.pareto(1.3, len(trader)) + 0.3
    traders = Picker(trader, region[trader], popularity)
    shop_weight = np.array([share for share, *_ in texts.MERCHANTS.values()])[category[company["shop"]]]
    shop_weight *= rng.pareto(1.2, len(shop_weight)) + 0.2
    shops = Picker(company["shop"], all_regions[company["shop"]], shop_weight)

    second_account = np.full(people, NOBODY)
    population = Population(
        seed=seed,
        people=people,
        identifier=identities.personal_numbers(born, female, rng) + identities.company_numbers(registered, rng),
        name=_names(female, rng) + names,
        phone=identities.phone_numbers(people, rng),
        region=all_regions,
        age=age,
        occupation=occupation,
        employer=np.where(occupation == WORKER, employers.pick(rng, region), NOBODY),
        salary=(np.maximum(rng.lognormal(12.45, 0.55, people), 85_000) // 1_000 * 1_000).astype(np.int64),
        activity=np.minimum(rng.lognormal(0.62, 0.6, people), 12.0) * np.where(age > 62, 0.6, 1.0),
        spending=rng.lognormal(0.0, 0.35, people),
        friends=_friends(people, rng),
        shops=shops.pick(rng, np.repeat(region, FAVOURITES)).reshape(people, FAVOURITES),
        traders=traders.pick(rng, np.repeat(region, 3)).reshape(people, 3),
        device=_devices(people, rng),
        second_account=second_account,
        landlord=_landlords(region, age, rng),
        lender=_lenders(people, company, bank_shares, rng),
        bill_day=rng.integers(3, 26, people),
        banks=banks,
        lenders=mfos,
        bank_shares=bank_shares,
        company=company,
        category=category,
        payday=payday,
        shop_picker=shops,
        trader_picker=traders,
        devices=2 * people,
    )
    _open_accounts(population, registered, today, rng)
    return population


def _occupations(age: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int8]:
    draw = rng.random(len(age))
    occupation = np.where(draw < 0.70, WORKER, np.where(draw < 0.745, TRADER, NONE))
    occupation = np.where((age < 23) & (draw < 0.65), STUDENT, occupation)
    return np.where(age >= 63, PENSIONER, occupation).astype(np.int8)


def _companies(
    people: int, banks: int, lenders: int, rng: np.random.Generator
) -> tuple[dict[str, tuple[NDArray[np.int8], Indices]], NDArray[np.datetime64], list[str]]:
    """Regions and merchant categories of the companies of each kind; when each was registered; their names."""
    counts = {
        "bank": banks,
        "mfo": lenders,
        "tax": 1,
        "pension_fund": 1,
        "marketplace": 1,
        "exchange": 2,
        "lottery": 1,
        "bookmaker": 1,
        "telecom": 4,
        "courier": 2,
        "charity": max(2, people // 10_000),
        "clinic": max(3, people // 8_000),
        "caterer": max(5, people // 2_000),
        "university": max(4, people // 4_000),
        "wholesaler": max(10, people // 400),
        "building": max(10, people // 500),
        "seller": max(5, people // 250),
        "employer": max(12, people // 60),
        "shop": max(60, people // 35),
        "dealer": max(3, people // 4_000),
        "developer": max(2, people // 8_000),
        "fund": max(3, people // 5_000),
        "shell": max(6, people // 700),
    }
    shares = np.array(list(REGIONS.values()), dtype=np.float64)
    mix = np.array([share for share, *_ in texts.MERCHANTS.values()])
    companies: dict[str, tuple[NDArray[np.int8], Indices]] = {
        # Two in each region: electricity, and gas with water.
        "utility": (np.repeat(np.arange(len(REGIONS)), 2).astype(np.int8), np.full(2 * len(REGIONS), NOBODY))
    }
    for kind, count in counts.items():
        regions = rng.choice(len(REGIONS), count, p=shares / shares.sum()).astype(np.int8)
        if kind == "shop":
            regions[: 2 * len(REGIONS)] = np.repeat(np.arange(len(REGIONS)), 2)
        categories = rng.choice(len(mix), count, p=mix / mix.sum()) if kind == "shop" else np.full(count, NOBODY)
        companies[kind] = (regions, categories)
    total = sum(len(regions) for regions, _ in companies.values())
    registered = np.datetime64("2025-11-01", "D") - rng.integers(120, 7_000, total)
    registered[-counts["shell"] :] = np.datetime64("2025-11-01", "D") - rng.integers(5, 90, counts["shell"])
    words = rng.integers(0, len(texts.COMPANY_WORDS), (total, 2)).tolist()
    names = [f"ТОО «{texts.COMPANY_WORDS[first]} {texts.COMPANY_WORDS[second]}»" for first, second in words]
    return companies, registered, names


def _names(female: NDArray[np.bool_], rng: np.random.Generator) -> list[str]:
    first = rng.integers(0, min(len(texts.WOMEN), len(texts.MEN)), len(female)).tolist()
    letter = rng.integers(0, len(texts.SURNAME_LETTERS), len(female)).tolist()
    return [
        f"{(texts.WOMEN if woman else texts.MEN)[one]} {texts.SURNAME_LETTERS[two]}."
        for woman, one, two in zip(female.tolist(), first, letter, strict=True)
    ]


def _friends(people: int, rng: np.random.Generator) -> Indices:
    """Family and neighbours are near in the list, which is sorted by region; every fifth friend is anywhere."""
    own = np.arange(people)[:, None]
    near = (own + rng.integers(1, 30, (people, FRIENDS)) * rng.choice([-1, 1], (people, FRIENDS))) % people
    far = (own + rng.integers(1, people, (people, FRIENDS))) % people
    friends = np.where(rng.random((people, FRIENDS)) < 0.8, near, far)
    # The first friend is of the same household: three people who follow one another.
    friends[:, 0] = _mate(np.arange(people), people)
    return friends


def _mate(person: Indices, people: int) -> Indices:
    mate = person // 3 * 3 + (person + 1) % 3
    return np.where(mate < people, mate, person - 1)


def _devices(people: int, rng: np.random.Generator) -> Indices:
    """Most people have a telephone of their own; some use that of another member of the household."""
    own = np.arange(people)
    return np.where(rng.random(people) < 0.04, own // 3 * 3, own)


def _landlords(region: NDArray[np.int8], age: NDArray[np.int64], rng: np.random.Generator) -> Indices:
    people = len(region)
    owners = np.flatnonzero((age > 35) & (rng.random(people) < 0.05))
    if not len(owners):
        return np.full(people, NOBODY)
    picker = Picker(owners, region[owners], rng.pareto(1.5, len(owners)) + 0.5)
    landlord = picker.pick(rng, region)
    renting = (rng.random(people) < 0.12) & (landlord != np.arange(people)) & (age < 60)
    return np.where(renting, landlord, NOBODY)


def _lenders(
    people: int, company: dict[str, Indices], shares: NDArray[np.float64], rng: np.random.Generator
) -> Indices:
    """One in six is paying off a loan: most to a bank, some to a microfinance organisation."""
    bank = rng.choice(company["bank"], people, p=shares)
    lender = np.where(rng.random(people) < 0.2, rng.choice(company["mfo"], people), bank)
    return np.where(rng.random(people) < 0.16, lender, NOBODY)


def _open_accounts(
    population: Population, registered: NDArray[np.datetime64], today: np.datetime64, rng: np.random.Generator
) -> None:
    people, parties = population.people, len(population.identifier)
    institution = rng.choice(population.banks, parties, p=population.bank_shares)
    institution[population.company["bank"]] = population.banks
    institution[population.company["mfo"]] = population.lenders
    days = np.maximum(rng.lognormal(7.0, 1.0, parties), 2).astype(np.int64)
    # No account is older than its owner may have one, or than the banks themselves.
    days[:people] = np.minimum(days[:people], np.minimum((population.age - 14) * 365, 30 * 365))
    days[people:] = np.clip(days[people:], 2, np.maximum((today - registered).astype(np.int64), 2))
    days[population.company["shell"]] = rng.integers(3, 40, len(population.company["shell"]))
    opened = (today.astype(np.int64) - days) * DAY + rng.integers(9 * 3_600_000, 20 * 3_600_000, parties)
    population.owner.extend(range(parties))
    population.institution.extend(institution.tolist())
    population.opened_at.extend(opened.tolist())
    for person in np.flatnonzero(rng.random(people) < 0.3).tolist():
        other = int(rng.choice(population.banks))
        if other == institution[person]:
            continue
        opened_at = int(opened[person] + (int(today.astype(np.int64)) * DAY - opened[person]) * rng.random())
        population.second_account[person] = population.open_account(person, opened_at, other)
