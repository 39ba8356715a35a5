"""Which language a text is written in, as far as its stems depend on it, and the words of it that ask for nothing.

A guess by script and by the commonest words: good for passages, less so for a few words. Pure; knows no index.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from brain.wording import STOP_WORDS

DEFAULT = "english"  # what no word tells apart: names, code, numbers
_READ = 800  # characters that settle it

_WORD = re.compile(r"[^\W\d_]{2,}")  # single letters are initials and code
_SPOKEN = re.compile(r"[^\W\d_]+")
_CLITIC = re.compile(r"(?<=\w)[’'](?:s|t|d|m|ll|re|ve)\b")
# Scripts written without spaces, and Hangul, whose words carry their particles: known by characters and pairs of them.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
# Scripts that one language with a stemmer stands for. Latin is shared and settled by words.
_SCRIPTS = (
    ("russian", re.compile("[\u0400-\u04ff]")),
    ("arabic", re.compile("[\u0600-\u06ff]")),
    ("greek", re.compile("[\u0370-\u03ff]")),
    ("tamil", re.compile("[\u0b80-\u0bff]")),
)
_LATIN = re.compile("[a-zA-Z\u00c0-\u024f]")

_WORDS = {
    "german": "aber als am an auch auf aus bei bin bis da damit das dass dem den der des die dies diese dieser doch du "
    "durch ein eine einem einen einer er es für gibt hat haben hatte ich ihr im in ist ja kann kein keine man mein mit "
    "nach nicht noch nur oder ohne sein seine sich sie sind so über um und uns unser unter von vom vor wann war waren "
    "warum was welche welchem welchen welcher welches wem wen wenn wer werden wessen wie wieviel wir wird wo woher "
    "wohin wurde wurden zu zum zur zwischen",
    "french": "a à ai au aux avec avons ce ces cet cette combien comme comment dans de depuis des dont du elle en entre "
    "es est et eu été être fait il ils j je l la le les leur leurs lui lorsque ma mais me mes mon n ne nos notre nous on "
    "ont ou où par pas peut plus pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se ses si son "
    "sont sous sur ta te tu un une vos votre vous y d c m",
    "spanish": "a al ante como cómo con cual cuál cuáles cuando cuándo cuánta cuántas cuánto cuántos de del desde donde "
    "dónde durante e el él ella en entre era eran es esa ese eso está están esta este esto fue fueron ha han hasta hay la "
    "las le les lo los más me mi mis mucho muy no nos o para pero por porque qué que quién quiénes quien se según ser si "
    "sí sin sobre son su sus también te tiene tu un una uno y ya",
    "portuguese": "a à ao aos as às até com como da das de dela dele do dos e é ela ele eles em entre era essa esse esta "
    "este está eu foi foram há isso isto já lhe mais mas me mesmo meu minha muito na nas não nem no nos nós o onde os ou "
    "para pela pelas pelo pelos por porque qual quais quando quanta quantas quanto quantos que quem são se sem ser seu "
    "seus só sua suas também tem ter um uma você",
    "italian": "a ad ai al alla alle allo anche che chi ci come con cosa cui da dai dal dalla dalle dei del della delle "
    "dello di do dove e è ed era erano essere fu gli ha hanno ho i il in io l la le lei lo loro lui ma mi mia mio ne nei "
    "nel nella nelle non o per perché più può qual quale quali quando quanta quante quanti quanto questa questo se si "
    "sono su sua sue sul sulla suo suoi tra un una uno d",
    "dutch": "aan al als bij dan dat de den der deze die dit door een en er ge geen had heb hebben heeft hem het hij hoe "
    "hoeveel hun ik in is je kan maar me meer met mijn na naar niet nog nu of om onder ons onze ook op over te tot u uit "
    "van veel voor waar waarom wanneer waren was wat we welk welke werd wie wiens wij worden wordt zal ze zich zij zijn "
    "zo",
    "danish": "af at blev bliver da de dem den denne der deres det dette dig din dog du efter eller en er et for fra få "
    "ham han hans har havde hende hun hvad hvem hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke ind jeg "
    "jer kan man mange med meget men mig min mit må nogle nu når og også om op os over på sig sin skal som så til ud "
    "under var vi vil være",
    "norwegian": "alle at av ble bli da de dem den denne der deres det dette din du eller en er et etter for fra før ha "
    "hadde han hans har hun hva hvem hvilke hvilken hvilket hvor hvordan hvorfor i ikke jeg kan man mange med meg men "
    "mer mot noe noen nå når og også om opp oss over på seg sin skal som så til under ut var ved vi vil være å",
    "swedish": "alla att av blev bli de dem den denna deras dess det detta dig din du där efter ej eller en er ett från "
    "för ha hade han hans har hon hur i icke inte ja jag kan kunde man med mellan men mig min mot många mycket ni nu när "
    "någon något några och om oss på sig sin ska skall som så till under upp ut utan vad var varför vars vem vems vi vid "
    "vilka vilken vilket vill är",
    "finnish": "ei eivät että hän he ja jo joka joko jos jossa jotka kanssa ketkä kuin kuinka kuka kun kuten me mikä millä "
    "millainen milloin missä mistä mitä mitkä miksi miten mukaan mutta myös ne niin nyt oli olivat olla on ollut ovat se "
    "sekä sen siitä tai tämä tämän voi vain",
    "hungarian": "a az abban ahol aki akik amely ami azt be csak de e egy ehhez ez ezt és ha hány hogy hogyan hol honnan "
    "hová is ki kik kinek lehet lesz mely melyik meg mennyi mert mi miért mikor milyen mint mit nagy ne nem ő össze pedig "
    "sem szerint úgy után vagy van vannak volt voltak",
    "romanian": "a acest această ai al ale ar astfel au care câte câtă câți când ce cel cele cine cu cum că "
    "căror da de deci despre din după ea ei el era este eu fi fost face în între îi își la le lor lui mai ne nu o pe "
    "pentru prin s sa sau se si și sunt să un unde una unei unui",
    "turkish": "ama ancak bana bazı belki ben bir biri bu bunlar bunu çok çünkü da daha de diye en gibi hangi hem hep her "
    "hiç için ile ise kaç kadar ki kim kimin kime mi mı mu mü nasıl ne neden nedir nerede nereden nereye neyi niçin niye o "
    "olan olarak oldu olduğu onlar onu sonra şey şu var ve veya ya yani zaman",
    "russian": "а без был была были было быть в вам вас ведь во вот все всего вы где да для до его ее её если есть еще ещё "
    "же за здесь и из или им их к как какая какие каким каких какого какое какой какую ко когда кого кому который которая "
    "которые которое кто куда ли между меня мне много мой мы на над нас не него нее нет ни них но о об он она они оно от "
    "откуда по под почему при с сколько со так также там то того тоже только у уже чего чей чем что чтобы это этого этой "
    "этом этот я",
    "greek": "από αυτό αυτή αυτός για δεν είναι είχε ένα ένας ή η ήταν και κατά με μετά μια μη να ο οι όπως όταν ότι πόσα "
    "πόσες πόσο πόσοι ποια ποιες ποιο ποιοι ποιος πού που πώς πότε προς σε στα στη στην στις στο στον στους τα τη την της "
    "τι τις το τον του τους των ως",
    "arabic": "أن أو أي أين إلى إن التي الذي الذين اين اي بين تلك ثم حتى حين ذلك عام على عن عند عندما فقد في قبل قد كان كانت كل "
    "كم كما كيف لا لم لماذا لن له لها ما ماذا متى مع من منذ هذا هذه هل هم هو هي وقد وكان ولا ومن يتم",
    "tamil": "அது அந்த இது இந்த எங்கு எங்கே என்ன எது எத்தனை எப்படி எப்போது எவ்வளவு ஏன் ஒரு மற்றும் யார்",
}  # fmt: skip
FUNCTION_WORDS = {DEFAULT: STOP_WORDS} | {
    language: frozenset(words.casefold().split()) for language, words in _WORDS.items()
}
LANGUAGES = tuple(FUNCTION_WORDS)

# In texts without spaces these stand inside a run; longer ones first, so that none is cut in two. No single character
# that other words are made of is among them: 的 would make 目 of 目的.
_ASKING = (
    "为什么 為什麼 为什麽 怎么样 怎麼樣 什么时候 什麼時候 什么 什麼 甚麼 哪里 哪裡 哪裏 哪儿 哪個 哪个 哪些 哪位 哪一 哪年 哪 "
    "谁 誰 多少 几个 幾個 几年 幾年 怎么 怎麼 怎样 怎樣 为何 為何 如何 何时 何時 何地 吗 嗎 呢 请问 請問 "
    "どこ どちら どれ だれ なぜ อะไร ที่ไหน เมื่อไร เมื่อไหร่ ใคร อย่างไร ทำไม เท่าไร เท่าไหร่ กี่ "
    "무엇 어디 언제 누구 어느 어떤 얼마"
)
_ASKING_RUN = re.compile("|".join(sorted(map(re.escape, _ASKING.split()), key=len, reverse=True)))


@cache
def _languages_of() -> dict[str, tuple[str, ...]]:
    known: dict[str, list[str]] = {}
    for language, words in FUNCTION_WORDS.items():
        for word in words:
            known.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in known.items()}


def language_of(text: str, *, lead: int = 2) -> str:
    """The language whose stems fit best, by the beginning of the text; English where none has `lead` words more."""
    text = text[:_READ]
    latin = len(_LATIN.findall(text))
    for language, script in _SCRIPTS:
        if len(script.findall(text)) > latin:
            return language
    known = _languages_of()
    votes: Counter[str] = Counter({DEFAULT: 0})
    for word in _WORD.findall(text.casefold()):
        for language in known.get(word, ()):
            votes[language] += 1
    best = max(votes, key=votes.__getitem__)
    return best if votes[best] >= votes[DEFAULT] + lead else DEFAULT


def telling(text: str) -> str:
    """The words of a question that say what it is about; the question itself where none would be left."""
    said = _CLITIC.sub("", text)
    empty = FUNCTION_WORDS[language_of(said, lead=1)]
    kept = _ASKING_RUN.sub(" ", _SPOKEN.sub(lambda word: " " if word[0].casefold() in empty else word[0], said))
    return kept if any(letter.isalnum() for letter in kept) else text
