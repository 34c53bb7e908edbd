"""What was found -> the terminal, and one HTML file that needs nothing else."""

from collections import Counter
from html import escape
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from project.addons.doctor.texts import visible

MOST_CLASSES = 12  # rows of the table


def rows_of_table(splits: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Return a head, and a row for every fact with a cell for each split; of many classes the commonest."""
    classes = sum((Counter(facts["classes"]) for facts in splits.values()), Counter[str]())
    common = [name for name, _ in classes.most_common(MOST_CLASSES)]
    shown = []
    for facts in splits.values():
        counts, texts = facts["classes"], facts["texts"]
        shares = {f"class {visible(name)}": f"{counts[name]:,} ({counts[name] / texts:.0%})" for name in common}
        shown.append({"from": facts["from"], "texts": texts} | shares | {**facts})
        del shown[-1]["classes"]
    names = dict.fromkeys(name for facts in shown for name in facts)
    return [["", *splits], *([name, *(cell(facts.get(name, "")) for facts in shown)] for name in names)]


def cell(value: float | str) -> str:
    """Return a count or a share as people read it."""
    if isinstance(value, str):
        return value
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}"


def print_report(facts: dict[str, Any]) -> None:
    """Print the table, the findings, those that spoil training first, and the verdict."""
    head, *rows = rows_of_table(facts["splits"])
    table = Table(*head, title=Text(f"Corpus: {facts['corpus']}"))
    for row in rows:
        table.add_row(*map(Text, row))  # names of labels are no markup
    console = Console()
    console.print(table)
    for finding in facts["findings"]:
        grade = Text("spoils training: ", "bold red") if finding["spoils"] else Text("look at: ", "bold")
        console.print(grade + Text(finding["what"], ""), soft_wrap=True)
        for example in finding["examples"]:
            console.print(Text("    " + line_of(example)), soft_wrap=True)
        console.print(Text(f"  -> {finding['advice']}"), soft_wrap=True)
    console.print(Text(f"\n{facts['verdict']}", "bold"), soft_wrap=True)


def line_of(example: dict[str, str]) -> str:
    """Return an example in a line."""
    remark = f" ({example['remark']})" if example["text"] and example["remark"] else example["remark"]
    return f"{example['place']}: {example['text']}{remark}"


STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --soft: #555; --line: #8a8a8a; --bad: #a40000 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eee; --paper: #161616; --soft: #b5b5b5; --line: #777; --bad: #ff9a8f } }
* { box-sizing: border-box }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: auto; padding: 1rem; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100%; font-size: .85rem } caption { text-align: left; padding-bottom: .5rem }
th, td { border-bottom: 1px solid var(--line); padding: .25rem; text-align: right; vertical-align: top }
th:first-child { text-align: left; font-weight: normal }
section { border-left: .25rem solid var(--line); padding-left: .75rem; margin: 1.5rem 0 }
section.spoils { border-color: var(--bad) } .spoils h2 { color: var(--bad) } h2 { font-size: 1rem; margin: 0 }
ul { padding-left: 1.1rem; margin: .5rem 0 } .place, .remark { color: var(--soft) } p { margin: .25rem 0 }
"""


def page(facts: dict[str, Any]) -> str:
    """Return the findings as HTML; no text, label or name of a file is markup."""
    head, *rows = rows_of_table(facts["splits"])
    title = f"Corpus: {escape(facts['corpus'])}"
    lines = ["<!doctype html>", '<html lang="en"><head><meta charset="utf-8">']
    lines.append('<meta name="viewport" content="width=device-width, initial-scale=1">')
    lines.append(f"<title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>")
    lines.append(f"<p><strong>{escape(facts['verdict'])}</strong></p>")
    lines.append("<table><caption>What training would read</caption><thead><tr><td></td>")
    lines += [f'<th scope="col">{escape(name)}</th>' for name in head[1:]]
    lines.append("</tr></thead><tbody>")
    for name, *cells in rows:
        values = "".join(f"<td>{escape(each)}</td>" for each in cells)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{values}</tr>')
    lines.append("</tbody></table>")
    for finding in facts["findings"]:
        grade, word = ("spoils", "Spoils training") if finding["spoils"] else ("look", "Look at")
        lines.append(f'<section class="{grade}"><h2>{word}: {escape(finding["what"])}</h2><ul>')
        for place, text, remark in (each.values() for each in finding["examples"]):
            lines.append(f'<li><span class="place">{escape(place)}</span> <bdi>{escape(text)}</bdi>')
            lines.append(f'<span class="remark">{escape(remark)}</span></li>')
        lines.append(f"</ul><p>What helps: {escape(finding['advice'])}</p></section>")
    lines += [f"<p>{escape(note)}</p>" for note in facts["notes"]]
    return "\n".join([*lines, "</main></body></html>\n"])
