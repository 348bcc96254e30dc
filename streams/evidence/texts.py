"""The words of the "loan despite refusal" package in Kazakh, Russian and English."""

from __future__ import annotations

from typing import Final, Literal

Finding = Literal["given_against_refusal", "set_before_payout", "recorded_later", "not_in_force", "before_the_law"]
Words = dict[str, str]  # by language: kk, ru, en

LANGUAGES: Final = ("kk", "ru", "en")

TITLE: Final[Words] = {
    "kk": "Несие алудан бас тартуға қарамастан берілген қарыз: дәлелдер жинағы",
    "ru": "Заём, выданный вопреки отказу от получения займов: пакет доказательств",
    "en": "A loan given despite a refusal of credit: evidence package",
}

FINDINGS: Final[dict[Finding, Words]] = {
    "given_against_refusal": {
        "kk": "Қарыз берілген сәтте қарыз алушының несие алудан ерікті бас тартуы күшінде болды және бұл туралы жазба "
        "тіркелімнен Орталыққа сол сәтке дейін келіп түскен. Орталықтың жазбалары бойынша қарызды есептен шығару "
        "шарты орындалған.",
        "ru": "В момент выдачи займа действовал добровольный отказ заёмщика от получения займов, и запись об этом "
        "поступила из реестра в Центр до этого момента. По записям Центра условие для списания займа выполнено.",
        "en": "When the loan was given, the borrower's voluntary refusal of credit was in force, and the registry's "
        "record of it had reached the center before that moment. By the center's records the condition for writing "
        "the loan off is met.",
    },
    "set_before_payout": {
        "kk": "Шарт жасалған сәтте бас тарту күшінде болмаған; ол ақша аударылғанға дейін күшіне енген. Мұндай қарыз "
        "бас тартуға қайшы берілді ме — бұл құжат шешпейді.",
        "ru": "При заключении договора отказ не действовал; он вступил в силу до выдачи денег. Считается ли такой заём "
        "выданным вопреки отказу, этот документ не решает.",
        "en": "The refusal was not in force when the contract was made; it came into force before the money was paid "
        "out. Whether such a loan was given against the refusal is not for this document to decide.",
    },
    "recorded_later": {
        "kk": "Бас тарту қарыз берілген сәтте күшінде болған, бірақ жазба Орталыққа кейін келіп түскен. Қарыз беруші "
        "ол туралы сол сәтте біле алды ма — Орталықтың жазбаларынан көрінбейді.",
        "ru": "Отказ действовал в момент выдачи займа, но запись о нём поступила в Центр позже. Мог ли кредитор знать "
        "о нём тогда, из записей Центра не видно.",
        "en": "The refusal was in force when the loan was given, but the record of it reached the center later. "
        "Whether the lender could know of it then cannot be seen from the center's records.",
    },
    "not_in_force": {
        "kk": "Орталық оқи алған жазбалар бойынша қарыз берілген сәтте бас тарту күшінде болмаған.",
        "ru": "По записям, которые Центр смог прочитать, в момент выдачи займа отказ не действовал.",
        "en": "By the records that the center could read, no refusal was in force when the loan was given.",
    },
    "before_the_law": {
        "kk": "Қарыз 2024 жылғы 1 қыркүйекке дейін, яғни есептен шығару туралы норма күшіне енгенге дейін берілген.",
        "ru": "Заём выдан до 1 сентября 2024 года, то есть до вступления в силу нормы о списании.",
        "en": "The loan was given before 1 September 2024, when the provision on writing it off came into force.",
    },
}

LAW: Final = (
    {
        "text": {
            "kk": "Азаматтың қарыз алудан ерікті бас тарту құқығы («Stop-credit»), бас тарту кредиттік тарихта "
            "сақталады",
            "ru": "Право гражданина на добровольный отказ от получения займов («Stop-credit»); отказ хранится в "
            "кредитной истории",
            "en": "The citizen's right to a voluntary refusal of credit (Stop-credit), kept in the credit history",
        },
        "valid_from": "2024-02",
        "confidence": "M–H",
        "source": "domain.md, section 3: statutory since February 2024",
    },
    {
        "text": {
            "kk": "Бас тартуға қарамастан берілген қарыз есептен шығарылады және азаматқа жүктелмейді",
            "ru": "Заём, выданный несмотря на отказ, списывается и не обременяет гражданина",
            "en": "A loan given against the refusal is written off and does not burden the citizen",
        },
        "valid_from": "2024-09-01",
        "confidence": "M–H",
        "source": "domain.md, section 3: from 1 September 2024; the article is to be confirmed by a lawyer",
    },
)

NOT_CLAIMED: Final[tuple[Words, ...]] = (
    {
        "kk": "Құжат сот шешімі де, заңгердің қорытындысы да емес; қарыздың күшін уәкілетті орган не сот анықтайды.",
        "ru": "Документ не является решением суда или заключением юриста; судьбу займа решает уполномоченный орган или "
        "суд.",
        "en": "It is neither a court's decision nor a lawyer's opinion; the competent body or a court decides on the "
        "loan.",
    },
    {
        "kk": "Құжат жариялаушылар жіберген жазбаларды көрсетеді; олардың мазмұнының дұрыстығын Орталық тексермеген.",
        "ru": "Документ показывает записи, присланные публикаторами; верность их содержания Центр не проверял.",
        "en": "It shows records as their publishers sent them; the center has not verified that what they say is true.",
    },
    {
        "kk": "Қарыз беруші кредиттік тарихты нақты сұратқан-сұратпағаны және не көргені бұл жазбаларда жоқ.",
        "ru": "Запрашивал ли кредитор кредитную историю и что он в ней увидел, в этих записях нет.",
        "en": "These records do not show whether the lender asked for the credit history, nor what it saw there.",
    },
    {
        "kk": "Қарыз алушы кілтпен жасалған белгімен аталған; оны тұлғамен тек белгілердің кілтін ұстаушы "
        "байланыстырады.",
        "ru": "Заёмщик назван ключевым токеном; связать его с лицом может только хранитель ключа токенов.",
        "en": "The borrower is named by a keyed token; only who holds the key of tokens can connect it with a person.",
    },
    {
        "kk": "Қарызды кім пайдаланғанын, алаяқтық болған-болмағанын құжат айтпайды.",
        "ru": "Документ не говорит, кто воспользовался займом и было ли мошенничество.",
        "en": "It does not say who had the use of the loan, nor whether there was a fraud.",
    },
    {
        "kk": "Kafka сақтау мерзімі өткен жазбалар оқылмайды; мұнда жоқ жазба ешқашан болмаған деген сөз емес.",
        "ru": "Записи, срок хранения которых в Kafka истёк, не читаются; отсутствие записи здесь не значит, что её не "
        "было.",
        "en": "Records that Kafka no longer keeps cannot be read; that a record is not here does not mean it never "
        "was.",
    },
)

STAGES: Final[dict[str, Words]] = {
    "application": {"kk": "өтінім", "ru": "заявка", "en": "application"},
    "approval": {"kk": "мақұлдау", "ru": "одобрение", "en": "approval"},
    "contract": {"kk": "шарт", "ru": "договор", "en": "contract"},
    "disbursement": {"kk": "ақша беру", "ru": "выдача денег", "en": "paid out"},
    "consent": {"kk": "келісім", "ru": "согласие", "en": "consent"},
}
ACTIONS: Final[dict[str, Words]] = {
    "set": {"kk": "бас тарту қойылды", "ru": "отказ установлен", "en": "refusal set"},
    "withdrawn": {"kk": "бас тарту алынды", "ru": "отказ снят", "en": "refusal withdrawn"},
}
IN_FORCE: Final[dict[str, Words]] = {
    "yes": {"kk": "күшінде", "ru": "действует", "en": "in force"},
    "later": {"kk": "күшінде, кейін жазылған", "ru": "действует, записан позже", "en": "in force, recorded later"},
    "no": {"kk": "жоқ", "ru": "нет", "en": "no"},
}
HEADINGS: Final[dict[str, Words]] = {
    "finding": {"kk": "Не анықталды", "ru": "Что установлено", "en": "What was found"},
    "loan": {"kk": "Қарыз", "ru": "Заём", "en": "The loan"},
    "steps": {"kk": "Қарыздың кезеңдері", "ru": "Шаги займа", "en": "The steps of the loan"},
    "refusals": {
        "kk": "Бас тарту тіркелімінің жазбалары",
        "ru": "Записи реестра отказов",
        "en": "The registry's entries of refusals",
    },
    "law": {"kk": "Заң", "ru": "Право", "en": "The law"},
    "not_claimed": {"kk": "Құжат нені айтпайды", "ru": "Чего документ не утверждает", "en": "What it does not claim"},
    "rulebook": {"kk": "Қағидалар жинағы", "ru": "Свод правил", "en": "Rulebook"},
    "signature": {"kk": "Қолтаңба", "ru": "Подпись", "en": "Signature"},
    "alert": {"kk": "Ескерту", "ru": "Сигнал", "en": "Alert"},
    "lender": {"kk": "Қарыз беруші", "ru": "Кредитор", "en": "Lender"},
    "borrower": {"kk": "Қарыз алушы (белгі)", "ru": "Заёмщик (токен)", "en": "Borrower (token)"},
    "amount": {"kk": "Сома", "ru": "Сумма", "en": "Amount"},
    "prepared": {"kk": "Жасалған уақыты", "ru": "Составлен", "en": "Prepared at"},
    "stage": {"kk": "Кезең", "ru": "Шаг", "en": "Step"},
    "occurred": {"kk": "Болған уақыты", "ru": "Когда произошло", "en": "Occurred at"},
    "recorded": {"kk": "Жазылған уақыты", "ru": "Когда записано", "en": "Recorded at"},
    "valid_from": {"kk": "Қай уақыттан күшінде", "ru": "Действует с", "en": "Valid from"},
    "sequence": {"kk": "Нөмірі", "ru": "Номер", "en": "Number"},
    "action": {"kk": "Жазба", "ru": "Запись", "en": "Entry"},
    "refusal": {"kk": "Бас тарту", "ru": "Отказ", "en": "Refusal"},
    "place": {
        "kk": "Журналдағы орны (топик/бөлік/орын/жазба)",
        "ru": "Место в журнале (топик/раздел/позиция/запись)",
        "en": "Place in the log (topic/partition/offset/entry)",
    },
    "none": {"kk": "жазба табылмады", "ru": "записей не найдено", "en": "no entries were found"},
    "confidence": {"kk": "сенімділігі", "ru": "достоверность", "en": "confidence"},
}
