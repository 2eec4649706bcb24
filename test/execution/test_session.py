"""Sessions with a small language model, against torch's logits of the whole text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from needs import needs
from tiny_model import CAPACITY, close, exported, logits_of, random_model, text

import attnorm
from attnorm.errors import AttnormError
from attnorm.execution.session import Session
from attnorm.tools.cli import main

for package in ("torch", "transformers"):
    needs(package)


@pytest.fixture(scope="module")
def model() -> Any:
    return random_model()


@pytest.fixture(scope="module")
def program(model: Any, tmp_path_factory: pytest.TempPathFactory) -> attnorm.Program:
    return attnorm.compile(exported(model, tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize("count", [1, 3, 8, 9, 33, 61, 95, 96])
def test_a_prompt_of_any_length(model: Any, program: attnorm.Program, count: int) -> None:
    ids = text(count)
    session = program.session()
    close(session.prefill(ids), logits_of(model, ids)[:, -1])
    assert session.position == count


def test_prompts_in_pieces(model: Any, program: attnorm.Program) -> None:
    ids, session, begin = text(CAPACITY), program.session(), 0
    want = logits_of(model, ids)
    for end in (1, 2, 9, 40, 41, 60, 62, 95, 96):
        close(session.prefill(ids[begin:end]), want[:, end - 1])
        begin = end


def test_the_likeliest_tokens(model: Any, program: attnorm.Program) -> None:
    prompt = text(7, 3)
    session = program.session()
    session.model = without_end(session.model)
    tokens = np.concatenate(list(session.generate(prompt, 70)))
    assert tokens.dtype == np.int32 and tokens.shape == (70,)
    whole = logits_of(model, np.concatenate([prompt, tokens]))
    np.testing.assert_array_equal(tokens, whole[0, 6:-1].argmax(1))


def without_end(model: Any) -> Any:
    return dataclasses.replace(model, eos=())


def test_a_prompt_between_tokens(model: Any, program: attnorm.Program) -> None:
    """What was decoded last is in the text before what is said next."""
    session = program.session()
    session.prefill(text(5))
    said = session.decode()
    got = session.prefill(text(4, 9))
    close(got, logits_of(model, np.concatenate([text(5), said, text(4, 9)]))[:, -1])


def test_sessions_are_independent(model: Any, program: attnorm.Program) -> None:
    one, other = program.session(), program.session()
    one.prefill(text(20))
    other.prefill(text(30, 1))
    close(one.prefill(text(2, 2)), logits_of(model, np.append(text(20), text(2, 2)))[:, -1])


def test_rows(model: Any, tmp_path: Path) -> None:
    ids = np.stack([text(30, seed) for seed in range(2)])
    session = attnorm.compile(exported(model, tmp_path, 2)).session()
    close(session.prefill(ids), logits_of(model, ids)[:, -1])
    assert session.decode().shape == (2,)
    with pytest.raises(AttnormError, match="expected 2 rows of one token or more, got 3"):
        session.prefill([1, 2, 3])


def test_it_ends_where_the_caches_are_full(program: attnorm.Program) -> None:
    session = program.session()
    session.model = without_end(session.model)
    tokens = list(session.generate(text(90), 50))
    # The last token needs no place: nothing follows it.
    assert len(tokens) == CAPACITY - 90 + 1


def test_it_ends_at_the_end_of_the_text(model: Any, program: attnorm.Program) -> None:
    prompt = text(7, 3)
    free = program.session()
    free.model = without_end(free.model)
    tokens = [int(token[0]) for token in free.generate(prompt, 20)]
    session = program.session()
    session.model = dataclasses.replace(session.model, eos=(tokens[3],))
    found = [int(token[0]) for token in session.generate(prompt, 20)]
    assert found == tokens[: tokens.index(tokens[3]) + 1]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "ids: expected 1 rows of one token or more, got 1x0"),
        ([[1], [2]], "ids: expected 1 rows of one token or more, got 2x1"),
        ([[1, 2], [3]], "ids: expected rows of as many tokens each"),
        ([1.5], "ids: expected integers, got float64"),
        ([3, 80], "ids: expected 0 to 79, got 80"),
        ([-1], "ids: expected 0 to 79, got -1"),
        ([5] * 97, "expected at most 96 tokens in all, got 97"),
    ],
)
def test_bad_ids(program: attnorm.Program, ids: list[Any], message: str) -> None:
    session = program.session()
    with pytest.raises(AttnormError, match=message):
        session.prefill(ids)
    assert session.position == 0


def test_nothing_was_said(program: attnorm.Program) -> None:
    with pytest.raises(AttnormError, match="expected a prompt of one token or more"):
        program.session().decode()


def test_no_language_model() -> None:
    norm = "func.func @decode(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }\n"
    with pytest.raises(AttnormError, match="expected a language model"):
        attnorm.compile(attnorm.load(norm)).session()


# -- the command ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(program: attnorm.Program, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("program") / "model.vmfb"
    program.save(path)
    return str(path)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    tokenizers = needs("tokenizers")
    words = {f"w{n}": n for n in range(80)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="w0"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return str(path)


def test_generate_ids(
    model: Any, program: attnorm.Program, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = text(7, 3)
    ids = ",".join(map(str, prompt))
    assert main(["generate", file, "--ids", ids, "--max-new-tokens", "12"]) == 0
    out, err = capsys.readouterr()
    want = [int(token[0]) for token in program.session().generate(prompt, 12)]
    assert [int(line) for line in out.split()] == want
    assert err.startswith("prompt: 7 in ") and "\ntokens: " in err


def test_generate_text(
    program: attnorm.Program, file: str, tokenizer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The beginning of a text is put before a prompt that lacks it."""
    arguments = ["--prompt", "w5 w6", "--tokenizer", tokenizer, "--max-new-tokens", "9"]
    assert main(["generate", file, *arguments]) == 0
    want = [int(token[0]) for token in program.session().generate([2, 5, 6], 9)]
    assert capsys.readouterr().out.split() == [f"w{token}" for token in want]


def test_an_interrupt_ends_it(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was said stays said, the speeds are told, and no traceback is."""

    def interrupted(self: Session, ids: Any, count: int) -> Iterator[np.ndarray]:
        yield np.array([7], np.int32)
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "generate", interrupted)
    assert main(["generate", file, "--ids", "5"]) == 130
    out, err = capsys.readouterr()
    assert out == "7\n" and err.startswith("prompt: 1 in ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prompt", "w5"], "--prompt: expected --tokenizer beside it"),
        (["--ids", "5", "--tokenizer", "t.json"], "--tokenizer: expected --prompt beside it"),
        (["--prompt", "w5", "--tokenizer", "none.json"], "none.json: expected a tokenizer"),
        (["--ids", "5,99"], "ids: expected 0 to 79, got 99"),
        (["--ids", "5", "--temperature", "-1"], "temperature: expected 0 or more, got -1"),
        (["--ids", "5", "--top-k", "0"], "top-k: expected 1 or more, got 0"),
        (["--ids", "5", "--top-p", "1.5"], "top-p: expected more than 0 and at most 1, got 1.5"),
    ],
)
def test_mistakes(
    file: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", file, *arguments]) == 1
    out, err = capsys.readouterr()
    assert not out and message in err and "Traceback" not in err
