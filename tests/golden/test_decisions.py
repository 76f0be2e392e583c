"""The plan of every row of the table "Deciding", as people see it."""

from omnictl.render.human import render_plan
from omnictl.render.style import Style
from tests.golden.golden import check_golden
from tests.unit.engine.test_decide import CASES


def test_the_plan_of_each_row() -> None:
    told = []
    for name, case in CASES.items():
        desired, recorded, actual, says = (cell or "any" for cell in case.row)
        head = f"#### {name}\n# desired: {desired}; recorded: {recorded}; actual: {actual}\n# {says}"
        told.append(f"{head}\n\n{render_plan(case.world().plan(), Style()).rstrip()}\n")
    check_golden("decisions.txt", "\n\n".join(told))
