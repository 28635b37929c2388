"""The Spark job's packages as Glue has them: in an archive, with no folder of their own."""

import subprocess
import sys
import zipfile
from pathlib import Path

from etl.reading import read

ROOT = Path(__file__).parents[2]
TEXTS = ["what a GREAT day :)", "this is not good at all 😡", "a chair"]
PROGRAM = f"""
import vaderSentiment
from etl import reading
print(vaderSentiment.__file__)
print(reading.__file__)
print([one.lexicon_compound for one in reading.read({TEXTS!r})])
"""


def test_the_lexicon_works_from_the_archive_as_from_a_folder(tmp_path: Path) -> None:
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for folder, inside in ((ROOT / "dist" / "spark-packages", ""), (ROOT / "etl", "etl/")):
            for file in folder.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    packed.write(file, f"{inside}{file.relative_to(folder)}")
    expected = [one.lexicon_compound for one in read(TEXTS)]

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(archive)},
        capture_output=True,
        text=True,
        check=True,
    )

    package, module, scores = done.stdout.splitlines()
    assert package.startswith(f"{archive}/") and module.startswith(f"{archive}/")
    assert scores == str(expected)
    assert expected[0] > 0.05 and expected[1] < -0.05 and expected[2] == 0
