"""The console's build is read whole and bounded, and nothing that no build makes is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.console.built import CONTENTS, NOTICES, SCRIPT, STYLE, build_in
from tidegate.console import bundle
from tidegate.console.bundle import BundleBroken, load_bundle


def test_a_build_is_the_page_and_its_files(tmp_path: Path) -> None:
    found = load_bundle(build_in(tmp_path))
    assert found is not None
    assert found.page == CONTENTS["index.html"]
    assert {name: asset.content.decode() for name, asset in found.assets.items()} == {
        name: text for name, text in CONTENTS.items() if name != "index.html"
    }
    assert found.assets[SCRIPT].compressed is not None
    assert found.assets[STYLE].compressed is None
    assert [name for name, asset in found.assets.items() if not asset.is_hashed] == [NOTICES]


def test_without_a_page_there_is_no_build(tmp_path: Path) -> None:
    assert load_bundle(tmp_path) is None
    assert load_bundle(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("assets/deeper/x-00112233.js", "lies deeper"),
        ("elsewhere/x-00112233.js", "lies deeper"),
        (".env", "lies deeper"),
        ("assets/x y.js", "lies deeper"),
        ("assets/photo-00112233.png", "no type that is served"),
        ("assets/index-Ab3_x9-Q.js.map", "no type that is served"),
    ],
)
def test_what_no_build_makes_is_refused(tmp_path: Path, name: str, why: str) -> None:
    file = build_in(tmp_path) / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x", encoding="utf-8")
    with pytest.raises(BundleBroken, match=why):
        load_bundle(tmp_path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    (build_in(tmp_path / "dist") / "assets" / "x-00112233.js").symlink_to("/etc/hostname")
    with pytest.raises(BundleBroken, match="is a link"):
        load_bundle(tmp_path / "dist")


@pytest.mark.parametrize("bound", ["MAX_FILES", "MAX_FILE_BYTES", "MAX_BUNDLE_BYTES"])
def test_a_build_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(bundle, bound, 3)
    with pytest.raises(BundleBroken, match=r"at most|more than"):
        load_bundle(build_in(tmp_path))


def test_a_page_without_a_head_is_refused(tmp_path: Path) -> None:
    (build_in(tmp_path) / "index.html").write_text("<html></html>", encoding="utf-8")
    with pytest.raises(BundleBroken, match="one <head>"):
        load_bundle(tmp_path)
