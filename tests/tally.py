#!/usr/bin/python3
"""Counts what a run of ./dev test really did, from the reports the runners left, and prints it as the last line.

  tally.py CTEST_XML GTEST_FOLDER PYTEST_XML PYTEST_EXIT SANITIZER_FOLDER

A test program that ended without its report (a crash, a time limit), or that failed after all its cases passed (a leak
found at exit), counts as one failure, and so does each sanitizer report of any process the tests started. Exit 0 only when
something passed and nothing failed: a run without a test is a failure.
"""
import dataclasses
import pathlib
import sys
import xml.etree.ElementTree as xml

NO_TESTS_COLLECTED = 5  # pytest's exit status: a filter that only C++ tests match


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)


def parse(path):
    try:
        return xml.parse(path).getroot()
    except (FileNotFoundError, xml.ParseError):
        return None


def count_case(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return Count(failed=1)
    if case.find("skipped") is not None or case.get("result") in ("skipped", "suppressed"):
        return Count(skipped=1)
    return Count(passed=1)


def count_cases(report):
    return sum(map(count_case, report.iter("testcase")), Count())


def count_program(entry, gtest_folder):
    """One test of CTest: a GoogleTest program with a report of its own, or a plain program."""
    succeeded = entry.get("status") == "run"
    report = parse(gtest_folder / f"{entry.get('name')}.xml")
    count = count_cases(report) if report is not None else Count(passed=1 if succeeded else 0)
    if not succeeded and not count.failed:
        count.failed = 1
    return count


def count_ctest(report, gtest_folder):
    if report is None:
        return Count(failed=1)
    return sum((count_program(entry, gtest_folder) for entry in report.iter("testcase")), Count())


def count_pytest(report, status):
    count = count_cases(report) if report is not None else Count()
    if status not in (0, NO_TESTS_COLLECTED) and not count.failed:
        count.failed = 1
    return count


def main():
    ctest, gtest_folder, pytest, status, sanitizer_folder = sys.argv[1:]
    reports = [path for path in pathlib.Path(sanitizer_folder).glob("*") if path.stat().st_size]
    total = (count_ctest(parse(ctest), pathlib.Path(gtest_folder)) + count_pytest(parse(pytest), int(status)) +
             Count(failed=len(reports)))
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main())
