"""After a test: figures of the classes, errors and a picture in the terminal; the run as an HTML report.

It has more code than other add-ons, since it shows all of a run: what its files say (run.py, answers.py), numbers
(figures.py, slices.py, examples.py), their charts (charts.py, drawing.py) and the page (page.py, page.html, page.css,
card.md).
"""

CALLBACKS = {"report": "project.addons.report.callback:Report"}
COMMANDS = {"report": "project.addons.report.command:report"}
