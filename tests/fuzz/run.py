#!/usr/bin/env python3
"""run.py nss [--seconds N] [--jobs N] [--coverage] [--store]: runs the fuzz target of sanitize-clang, which must be built.

It begins with the stored corpus, and those of earlier runs in build/fuzz/nss. Afterwards each answer to the corpus
is compared with the model's. --coverage: also prints the coverage of lines. --store: stores a small corpus of the same coverage
beside this script."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

from nss_replay import unpack

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/fuzz"
TARGET = ROOT / "build/sanitize-clang/tests/fuzz/nss_fuzz"
OUT = ROOT / "build/fuzz/nss"
STORED = HERE / "nss_corpus.tar.xz"
READER = ("nss/entry.cc", "nss/first_login.cc", "nss/reader.cc")
LONGEST = "16384"  # bytes of a case
ENVIRONMENT = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}


def fuzz(seconds, jobs):
    """False if an execution failed."""
    corpus = OUT / "corpus"
    logs = [OUT / f"log.{number}" for number in range(jobs)]
    running = [subprocess.Popen([TARGET, f"-max_len={LONGEST}", f"-max_total_time={seconds}", "-print_final_stats=1",
                                 f"-artifact_prefix={OUT}/", corpus], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=open(log, "wb"))
               for log in logs]
    good = all([one.wait() == 0 for one in running])
    texts = [log.read_text(errors="replace") for log in logs]
    executions, look_ups = (sum(int(number) for text in texts for number in re.findall(form, text))
                            for form in (r"number_of_executed_units: (\d+)", r"nss_fuzz: (\d+) look-ups"))
    print(f"{executions} executions, {look_ups} look-ups, {seconds} s, {jobs} jobs")
    if not good:
        print("\n".join(text[-3000:] for text in texts if "ERROR" in text or "nss_fuzz: " in text))
        print(f"An execution failed: the case is in {OUT}")
    return good


def minimise():
    smallest = OUT / "smallest"
    shutil.rmtree(smallest, ignore_errors=True)
    smallest.mkdir()
    subprocess.run([TARGET, "-set_cover_merge=1", f"-max_len={LONGEST}", smallest, OUT / "corpus"],
                   env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return smallest


def print_coverage(corpus):
    program, profile = OUT / "coverage", OUT / "coverage.profraw"
    flags = ["-std=c++23", "-O0", "-g", f"-I{ROOT}"]
    own = ["-fprofile-instr-generate", "-fcoverage-mapping", "-include", HERE / "nss_calls.h"]
    objects = []
    for source in (*READER, *(f"tests/fuzz/nss_{part}.cc" for part in ("case", "fuzz", "mutator"))):
        objects.append(OUT / (pathlib.Path(source).name + ".o"))
        subprocess.run(["clang++-19", *flags, *(own if source in READER else []), "-c", ROOT / source, "-o", objects[-1]], check=True)
    subprocess.run(["clang++-19", "-fprofile-instr-generate", "-fsanitize=fuzzer", *objects, "-o", program], check=True)
    subprocess.run([program, "-runs=0", corpus], env=ENVIRONMENT | {"LLVM_PROFILE_FILE": str(profile)}, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["llvm-profdata-19", "merge", profile, "-o", OUT / "coverage.profdata"], check=True)
    sources = [ROOT / source for source in (*READER, "nss/accounts_conf.h", "nss/accounts_format.h", "nss/reserved_names.h")]
    for command in (["report"], ["show", "--region-coverage-lt=100"]):
        text = subprocess.run(["llvm-cov-19", *command, program, f"-instr-profile={OUT}/coverage.profdata", *sources], check=True,
                              text=True, capture_output=True).stdout
        if command == ["report"]:
            print(text)
        else:
            (OUT / "coverage.txt").write_text(text)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("target", choices=["nss"])
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments.add_argument("--coverage", action="store_true")
    arguments.add_argument("--store", action="store_true")
    options = arguments.parse_args()
    (OUT / "corpus").mkdir(parents=True, exist_ok=True)
    if STORED.exists():
        unpack(STORED, OUT / "corpus")
    if options.seconds > 0 and not fuzz(options.seconds, options.jobs):
        sys.exit(1)
    if options.coverage:
        print_coverage(OUT / "corpus")
    replayed = subprocess.run([sys.executable, "-B", HERE / "nss_replay.py", TARGET, OUT / "corpus"]).returncode
    if options.store and replayed == 0:
        smallest = minimise()
        with tarfile.open(STORED, "w:xz") as archive:
            for file in sorted(smallest.iterdir()):
                entry = tarfile.TarInfo(file.name)
                entry.size, entry.mode = file.stat().st_size, 0o644
                with open(file, "rb") as data:
                    archive.addfile(entry, data)
        print(f"{STORED.name}: {STORED.stat().st_size} bytes")
    sys.exit(replayed)


if __name__ == "__main__":
    main()
