from __future__ import annotations

import json

import pytest
from lstm.tokenizer import UNKNOWN_ID, Tokenizer, Vocabulary, build_vocabulary, definition
from vectors import WordVectors

WORDS = WordVectors(["the", "so", "love", "cool", "bus"], [[0.0] * 100] * 5)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = ["unseen@once twice", "twice"]
    return Tokenizer(definition(build_vocabulary(texts, WORDS, frequent_words=4)), max_tokens=5)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I don't, you can't, he won't!", "i do not , you can not , he will not !"),
        ("dont isnt cant, but a parent", "do not is not can not , but a parent"),
        ("it's we're they'll", "it 's we 're they 'll"),
        ("@bob see https://x.y/z?a=1 www.a.b", "<user> see <url> <url>"),
        ("me@bob.com", "me bob . com"),
        ("Tom &amp; Jerry &lt;3 &quot;hi&quot;", 'tom & jerry <heart> " hi "'),
        (r"it\u2019s fine\u002c ok", "it 's fine , ok"),
        ("sooooo goooood!!!!! ......", "soo good ! ! .."),
        (":) :-)) ;D =] xD ^_^ (:", " ".join(["<smile>"] * 7)),
        (":( :-(( :'( :/ D: -_- >.< </3", " ".join(["<frown>"] * 8)),
        ("list:(a) 10:30 at http://a:8/b", "list : ( a ) <number> at <url>"),
        ("\U0001f600 \U0001f62d ❤️ \U0001f68c", "<smile> <frown> <heart> <other>"),
        ("café “quoted” naïve…", 'cafe " quoted " naive ..'),
        ("𝓱𝓮𝓵𝓵𝓸 ｗｉｄｅ", "hello wide"),
        ("привет мир", "<other> <other>"),
        ("#HowToTrain YourDragon #LOL", "how to train your dragon lol"),
        ("so love https://t.co/abc\U0001f60d\U0001f60d", "so love <url> <smile> <smile>"),
        ("https://t.co/abc's bus (https://x.org/a_(b)), so", "<url> 's bus ( <url> ) , so"),
        ("https://t.co/abc.so cool https://x.y/z?a=1.", "<url> . so cool <url> ."),
        ("so cool… https…", "so cool .."),
        ("RT@bob .@ann f!@kn の@momに", "rt <user> . <user> f ! kn <other> <user> <other>"),
        ("don´t can＇t won‘t isn′t", "do not can not will not is not"),
        ("it&#8217;s &#x27;so&#39; &amp;lt; &hellip;", "it 's so & lt ; .."),
        (
            "\U0001f44d\U0001f3fd \U0001f44e \U0001fa77 \U0001f494",
            "<smile> <frown> <heart> <frown>",
        ),
        ("\U0001f1e9\U0001f1ea", "<other>"),
        ("7 11 3.50 1,000", "7 <number> <number> <number>"),
    ],
)
def test_tokens_of_a_tweet(tokenizer: Tokenizer, text: str, tokens: str) -> None:
    assert " ".join(tokenizer.split([text])[0]) == tokens


def test_a_text_has_at_most_max_tokens_and_never_none(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode(["the " * 9, "", " \n ", "#"])

    assert [len(row) for row in ids] == [5, 1, 1, 1]
    assert ids[1:] == [[UNKNOWN_ID]] * 3


def test_an_elongated_word_has_the_id_of_the_word(tokenizer: Tokenizer) -> None:
    love, elongated, typo = tokenizer.encode(["love", "LOOOOOVE", "lovee"])

    assert love == elongated == typo
    assert love != [UNKNOWN_ID]


def test_a_word_without_vector_is_known_if_training_saw_it_twice(tokenizer: Tokenizer) -> None:
    twice, once, rare = tokenizer.encode(["twice", "unseen", "bus"])

    assert twice != [UNKNOWN_ID]
    assert once == rare == [UNKNOWN_ID]


def test_a_lone_surrogate_is_the_replacement_character(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode(["love \ud83d"]) == tokenizer.encode(["love \ufffd"])


def test_a_file_that_is_no_tokenizer_is_refused() -> None:
    with pytest.raises(ValueError, match="not a tokenizer.json"):
        Tokenizer("{}", max_tokens=5)


def test_no_replacement_holds_a_dollar_which_one_library_would_expand() -> None:
    steps = json.loads(definition(Vocabulary([], {})))["normalizer"]["normalizers"]

    assert [step for step in steps if "$" in step.get("content", "")] == []


def test_marks_without_a_feeling_can_be_left_out() -> None:
    vocabulary = build_vocabulary([], WORDS, frequent_words=4)
    tokenizer = Tokenizer(definition(vocabulary, "feelings"), max_tokens=9)

    [tokens] = tokenizer.split(['so, "love" (the bus)... - really?!'])

    assert " ".join(tokens) == "so love the bus .. really ? !"
