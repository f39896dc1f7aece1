"""Packages and processes, which the launcher deals with before PyTorch is there."""

from __future__ import annotations

import json
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CODE, Tree, events_of

from tb import packages, processes, world
from tb.failure import JobError, first_noted, note
from tb.paths import Paths


def make_wheel(folder: Path) -> None:
    folder.mkdir()
    with zipfile.ZipFile(folder / "tbprobe-1.0-py3-none-any.whl", "w") as z:
        z.writestr("tbprobe.py", "value = 1\n")
        z.writestr("tbprobe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tbprobe\nVersion: 1.0\n")
        z.writestr("tbprobe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("tbprobe-1.0.dist-info/RECORD", "")


def test_packages_come_from_a_channel_without_a_network(tmp_path: Path) -> None:
    wheels, target = tmp_path / "wheels", tmp_path / "target"
    make_wheel(wheels)
    (tmp_path / "pins.txt").write_text("# remark\ntbprobe==1.0\npytest==0.0.1  # if missing\n")
    pins = packages.read(tmp_path / "pins.txt")
    assert packages.install(pins, target, wheels) == ["tbprobe==1.0"]
    assert (target / "tbprobe.py").exists()
    with pytest.raises(JobError, match="the channel wheels"):
        packages.install([packages.Pin("tbmissing", "9.9", False)], target, wheels)
    (tmp_path / "pins.txt").write_text("tbprobe>=1\n")
    with pytest.raises(JobError, match="not a pinned package"):
        packages.read(tmp_path / "pins.txt")


def test_pins_follow_the_images_pytorch() -> None:
    folder = CODE / "requirements"
    for torch, name in {"2.5.1+cu124": "torch-2.5", "2.7.1": "torch-2.5", "2.8.0": "torch-2.8", "2.10.0+cu130": "torch-2.8"}.items():
        assert packages.file_for(folder, torch).stem == name
    with pytest.raises(JobError, match=r"PyTorch 2\.2"):
        packages.file_for(folder, "2.2.0")


def test_hosts_are_read_in_the_same_order_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path)
    paths.config.mkdir(parents=True)
    hosts = [f"algo-{i}" for i in (10, 2, 1)]
    (paths.config / "resourceconfig.json").write_text(json.dumps({"current_host": "algo-2", "hosts": hosts}))
    monkeypatch.setenv(world.PROCESSES_VARIABLE, "4")
    place = world.read(paths)
    assert place.hosts == ("algo-1", "algo-2", "algo-10") and place.node == 1 and not place.leader and place.size == 12
    (paths.config / "resourceconfig.json").write_text('{"current_host": "x", "hosts": ["y"]}')
    with pytest.raises(JobError, match="not among y"):
        world.read(paths)
    with pytest.raises(JobError, match="several instances"):
        processes.start_workers(place, "single", "tb.train", [], {})


def test_a_killed_process_is_explained() -> None:
    group = processes.run(["-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"], {})
    with pytest.raises(processes.ProcessError, match="memory was full"):
        group.wait(lambda: None)


def test_a_failed_process_takes_the_others_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "COLLAPSE_S", 0.2)
    sleeper, failing = processes.run(["-c", "import time; time.sleep(60)"], {}), processes.run(["-c", "raise SystemExit(3)"], {})
    group = processes.Group(sleeper.processes + failing.processes)
    with pytest.raises(processes.ProcessError, match="the status 3"):
        group.wait(lambda: None)
    assert all(p.poll() is not None for p in group.processes)


def test_patience_has_an_end() -> None:
    group = processes.run(["-c", "import time; time.sleep(60)"], {})
    with pytest.raises(processes.ProcessError, match="SIGTERM"):
        group.wait(lambda: 0.0)


def test_the_explained_error_counts(tmp_path: Path) -> None:
    note(tmp_path, 1, RuntimeError("Connection closed by peer"))
    note(tmp_path, 0, JobError("the rows are bad"))
    assert first_noted(tmp_path) == "the rows are bad"
    (tmp_path / "rank-0.json").unlink()
    note(tmp_path, 2, RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert first_noted(tmp_path) == "RuntimeError: Connection closed by peer"


def test_a_stop_before_the_first_step(tree: Callable[..., Tree]) -> None:
    t = tree()
    t.job()
    process = t.start()
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    events = events_of(first + rest)
    assert process.returncode == 0, first + rest
    assert any(e["event"] == "warning" and "stopped by a request" in e["message"] for e in events)
    assert not any(e["event"] in ("step", "done", "failed") for e in events)
    assert not any((t.root / "model").iterdir()) and not (t.root / "output" / "failure").exists()
