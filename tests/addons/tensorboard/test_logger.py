from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.conftest import SMALL, test_figures

LOGGER = "--trainer.logger+=project.addons.tensorboard.logger.TensorBoard"


@pytest.mark.slow
def test_one_option_adds_event_files_with_the_figures_of_the_run(sentiment, toy):
    assert sentiment("fit", f"--data.corpus={toy}", "--trainer.max_epochs=1", LOGGER, *SMALL) == 0
    (folder,) = Path("runs/tensorboard").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    (accuracy,) = events.Scalars("test/accuracy")
    assert accuracy.value == pytest.approx(test_figures("runs/version_0")["test/accuracy"])
