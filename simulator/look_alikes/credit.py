"""People who borrow, are called, or change their telephone, and are nobody's victims."""

from __future__ import annotations

from simulator.loans import waiting_hours
from simulator.look_alikes.people import friends_of
from simulator.moves import DAY, HOUR, MINUTE, NOBODY
from simulator.phrases import local_time
from simulator.records import Listed
from simulator.stage import Story


def loan_for_a_car(story: Story) -> None:
    """A loan, waited for as the law wants, is paid to the seller of a car the same day: not T07."""
    buyer = story.borrower(23, 65)
    tenge = story.count(70, 300) * 10_000
    online = story.chance(0.6)
    at = story.moment(story.first_day(3), 9, 16)
    wait = waiting_hours(False, tenge) * story.between(1.02, 1.2) if online else 0.0
    at = story.borrow(at, story.lender(False), buyer, tenge, wait_hours=wait, online=online, consent=online)
    at += story.between(0.3, 5) * HOUR
    if story.chance(0.6):
        story.transfer(
            at, buyer, story.company("dealer"), tenge * story.between(0.9, 1.4) // 1_000 * 1_000, group="car"
        )
    else:
        story.transfer(at, buyer, story.actor(25, 65), tenge * story.between(0.9, 1.1) // 1_000 * 1_000, group="car")


def loan_for_tuition(story: Story) -> None:
    """A small loan goes to the university or the clinic within the hour: not T07."""
    student = story.borrower(18, 45)
    small = story.chance(0.5)
    tenge = (story.count(10, 32) if small else story.count(20, 64)) * 10_000
    at = story.moment(story.first_day(1), 9, 17)
    at = story.borrow(at, story.lender(small), student, tenge) + story.between(4, 50) * MINUTE
    if story.chance(0.6):
        story.transfer(at, student, story.company("university"), tenge * 0.95 // 1_000 * 1_000, group="tuition")
    else:
        story.transfer(at, student, story.company("clinic"), tenge * 0.9 // 1_000 * 1_000, group="clinic")


def debt_repaid(story: Story) -> None:
    """A small loan pays back what a friend lent, whom the borrower has paid before: not T07."""
    borrower = story.borrower(21, 60)
    friends = [friend for friend in friends_of(story, borrower) if friend != borrower]
    if not friends:
        return
    day = story.first_day(1)
    story.transfer(story.moment(day - 1, 10, 21), borrower, friends[0], story.count(2, 9) * 1_000, group="friends")
    tenge = story.count(8, 30) * 10_000
    at = story.borrow(story.moment(day, 9, 19), story.lender(True), borrower, tenge)
    at += story.between(0.1, 3) * HOUR
    story.transfer(at, borrower, friends[0], tenge * story.between(0.4, 0.9) // 5_000 * 5_000, group="friends")


def refusal_withdrawn(story: Story) -> None:
    """A refusal is set, withdrawn a day or more later, and then a loan is taken: not T08."""
    person, records = story.borrower(21, 65), story.stage.records
    first = story.first_day(2)
    at = story.moment(first, 10, 15)
    records.refusals(story.stage.start + story.between(0.1, 8) * HOUR, [(person, "set", story.stage.start)], story.case)
    withdrawn = at - story.between(1.2, 9) * HOUR
    records.refusals(withdrawn, [(person, "withdrawn", withdrawn)], story.case)
    story.borrow(at, story.lender(True), person, story.count(6, 30) * 10_000)


def call_that_failed(story: Story) -> None:
    """A spoofed call is put down; hours later a parent pays a child, or a plumber never paid before: not T06."""
    parent = story.actor(35, 75)
    friends = [friend for friend in friends_of(story, parent) if friend != parent]
    day = story.first_day(1)
    at = story.moment(day, 9, 18)
    known = bool(friends) and story.chance(0.65)
    payee = friends[0] if known else story.actor(22, 60)
    if known:
        story.transfer(story.moment(day - 1, 9, 21), parent, payee, story.count(2, 12) * 2_500, group="family")
    story.call(at, parent, "spoofed" if story.chance(0.6) else "scam", story.count(2, 35))
    at += story.between(0.2, 6) * HOUR
    tenge = story.count(4, 60) * 2_500 if known else story.count(3, 22) * 1_000
    story.transfer(at, parent, payee, tenge, group="family" if known else "trader")


def new_telephone(story: Story) -> None:
    """A new telephone and a new SIM card; the owner pays those he always pays, and a landlord: not T12."""
    owner = story.actor(18, 70)
    population = story.stage.population
    device = population.new_device()
    at = story.moment(story.first_day(1), 9, 18)
    context = story.stage.contexts.of(
        device_new=True, sim_changed_at=local_time(int(at - story.between(0.2, 5) * HOUR))
    )
    if story.chance(0.7):
        story.call(at - story.between(0.1, 0.2) * HOUR, owner, "sim_swap", 1)
    friends = [friend for friend in friends_of(story, owner) if friend != owner]
    for friend in friends[: story.count(1, 3)]:
        at += story.between(5, 120) * MINUTE
        story.transfer(at, owner, friend, story.count(2, 40) * 1_000, group="friends", device=device, context=context)
    if story.chance(0.4):
        at += story.between(5, 120) * MINUTE
        rent = story.count(60, 200) * 1_000
        story.transfer(at, owner, story.actor(35, 70), rent, group="rent", device=device, context=context)


def appeal_upheld(story: Story) -> None:
    """A student's telephone was used by others; his entry falls on appeal, and he lives as before: not T20."""
    student, records = story.actor(18, 30), story.stage.records
    entry_id = records.next_entry()
    subject = records.person(student)
    told = story.stage.start + story.between(0.2, 8) * HOUR
    since = story.stage.start - story.between(5, 90) * DAY
    listed = Listed(subject, "dropper_suspected", "bank", "Account lent", valid_from=since, entry_id=entry_id)
    records.listed(told, [listed], story.case)
    freed = told + story.between(4, 10) * HOUR
    again = Listed(
        subject, "dropper_suspected", "bank", "Account lent", valid_from=freed, appeal="upheld", entry_id=entry_id
    )
    records.listed(freed, [again], story.case)
    for friend in [friend for friend in friends_of(story, student) if friend != student]:
        at = freed + story.between(2, 60) * HOUR
        payer, payee = (friend, student) if story.chance(0.6) else (student, friend)
        story.transfer(at, payer, payee, story.count(2, 40) * 1_000, group="friends", device=NOBODY)
