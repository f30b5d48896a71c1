"""The pytest plugin, in suites of its own that are run beside this one."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

# What autoload would do, or a second time where the package is installed.
OWN = ("-p", "kmshsm.pytest_plugin")

IDS = """
    import pytest

    @pytest.mark.parametrize("n", [1, 2])
    def test_ids(kms, n):
        print("ID", kms.create_key().id, kms.api.create_key()["RequestId"], kms.generate_random(8))
        assert kms.is_test_only
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other plugin, and warnings as errors, as here."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")


def run(pytester: pytest.Pytester, *options: str, **outcomes: int) -> pytest.RunResult:
    """Runs what has been made, and expects so many outcomes."""
    settings = ("-p", "no:cacheprovider", "--strict-markers", "-W", "error", *options)
    result = pytester.runpytest_subprocess(*OWN, *settings)
    result.assert_outcomes(**outcomes)
    return result


def ids(result: pytest.RunResult) -> list[str]:
    """What the tests have printed."""
    return re.findall(r"ID (.*)", result.stdout.str())


def test_pytest_finds_it() -> None:
    project = Path(__file__).parents[2].joinpath("python", "pyproject.toml").read_text()
    found = re.search(r'\[project\.entry-points\.pytest11\]\nkmshsm = "(.*)"\n', project)
    assert found
    assert hasattr(import_module(found[1]), "kms_calls")


def test_ids_are_those_of_the_last_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_ids=IDS)
    first = ids(run(pytester, "-s", passed=2))
    assert len(first) == 2 and first[0] != first[1]
    assert ids(run(pytester, "-s", passed=2)) == first
    # One test alone has what it has among others.
    assert ids(run(pytester, "-s", "test_ids.py::test_ids[2]", passed=1)) == first[1:]
    pytester.makeini("[pytest]\nkms_seed = another")
    other = ids(run(pytester, "-s", passed=2))
    assert not {*other} & {*first}


def test_marks_name_region_and_seed(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nkms_region = cn-beijing")
    pytester.makepyfile("""
        import pytest

        def test_default(kms, kms_session):
            for at in (kms, kms_session):
                assert at.create_key().arn.startswith("acs:kms:cn-beijing:111122223333:")

        @pytest.mark.kms_region("eu-west-1")
        @pytest.mark.kms_seed("twins")
        def test_one(kms, kms_session_for):
            assert ":eu-west-1:" in kms_session_for().create_key().arn
            print("ID", kms.create_key().id)

        @pytest.mark.kms_region("eu-west-1")
        @pytest.mark.kms_seed("twins")
        def test_other(kms, kms_session_for):
            assert ":eu-west-1:444455556666:" in kms_session_for("444455556666").create_key().arn
            assert ":cn-hangzhou:" in kms_session_for(region="cn-hangzhou").create_key().arn

        @pytest.mark.kms_region("eu-west-1")
        @pytest.mark.kms_seed("twins")
        def test_one_again(kms, kms_session_for):
            assert kms_session_for().create_key().arn
            print("ID", kms.create_key().id)

        @pytest.mark.kms_region(1)
        def test_wrong(kms):
            pass
    """)
    result = run(pytester, "-s", passed=4, errors=1)
    result.stdout.fnmatch_lines(["*the mark kms_region takes one text*"])
    assert len(ids(result)) == 2 and len({*ids(result)}) == 1


def test_clock_users_and_calls(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from datetime import datetime, timedelta, timezone

        import kmshsm
        import pytest

        READ = {
            "Version": "1",
            "Statement": [{"Effect": "Allow", "Action": ["kms:DescribeKey"], "Resource": ["*"]}],
        }

        def test_clock(kms, kms_clock):
            assert kms_clock.now == datetime(2019, 7, 4, 13, 14, 15, tzinfo=timezone.utc)
            key = kms.create_key(rotate_every=timedelta(days=7))
            kms_clock.advance(timedelta(days=8))
            kms_clock.advance(1)
            assert len([*key.versions()]) == 2
            assert kms.create_key().metadata.created == kms_clock.now

        def test_calls(kms, kms_calls, kms_clock, kms_session_for):
            key = kms.create_key()
            alice = kms_session_for(user="alice", policy=READ)
            assert alice.key(key.id).id == key.id
            with pytest.raises(kmshsm.AccessDenied):
                alice.encrypt(key.id, b"text")
            kms_clock.advance(60)
            kms_calls.assert_called("DescribeKey", user="alice", key=key)
            kms_calls.assert_refused("Encrypt", "Forbidden.NoPermission", user="alice", times=1)
            kms_calls.assert_not_called("AdvanceClock")
            assert [call.action for call in kms_calls] == ["CreateKey", "DescribeKey", "Encrypt"]
            kms_calls.assert_called("Decrypt")
    """)
    result = run(pytester, passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*kms_calls.assert_called(*Decrypt*)",
            "E *AssertionError: Decrypt answered: at least one expected, 0 found. Calls:",
            "E *CreateKey answered {}",
            "E *Encrypt Forbidden.NoPermission {*",
        ]
    )
    # The claim is what is shown, not how it is looked at.
    result.stdout.no_fnmatch_line("*testing.py*_expect*")


def test_each_test_has_its_own_store_and_ends_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import kmshsm
        import pytest

        kept = []

        def test_one(kms, kms_session):
            kept.extend([kms, kms_session])
            kms.create_key().add_alias("alias/one")

        def test_other(kms):
            assert not [*kms.keys()]
            for ended in kept:
                with pytest.raises(kmshsm.ArgumentError):
                    ended.create_key()
    """)
    run(pytester, passed=2)


def test_who_asks_for_nothing_has_nothing_opened(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import kmshsm
        import pytest

        def test_nothing(request):
            assert request.config.pluginmanager.has_plugin("kmshsm.pytest_plugin")
            # Only before the first store is opened can this be said.
            kmshsm.set_key_memory(8 << 20)
            kmshsm.open().close()
            with pytest.raises(kmshsm.KmsError):
                kmshsm.set_key_memory(8 << 20)
    """)
    run(pytester, passed=1)


def test_workers_of_xdist_agree(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile(
        test_ids="""
        import pathlib
        import pytest

        @pytest.mark.parametrize("n", range(4))
        def test_ids(kms, n):
            with pathlib.Path(__file__).with_name(f"ids{n}").open("a") as file:
                file.write(kms.create_key().id + "\\n")
    """
    )
    run(pytester, "-p", "xdist", "-n", "2", passed=4)
    run(pytester, passed=4)
    written = [(pytester.path / f"ids{n}").read_text().split() for n in range(4)]
    assert all(len(pair) == 2 and len({*pair}) == 1 for pair in written)
    assert len({pair[0] for pair in written}) == 4


def test_coroutines_use_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import asyncio

        def test_together(kms, kms_calls):
            key = kms.create_key()
            texts = [bytes([n]) for n in range(20)]

            async def together():
                blobs = await asyncio.gather(*(asyncio.to_thread(key.encrypt, t) for t in texts))
                return [await asyncio.to_thread(kms.decrypt, blob) for blob in blobs]

            assert asyncio.run(together()) == texts
            kms_calls.assert_called("Encrypt", times=20)
            kms_calls.assert_called("Decrypt", times=20)
    """)
    run(pytester, passed=1)
