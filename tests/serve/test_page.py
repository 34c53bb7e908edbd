"""The page in a real browser, headless Chromium."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from project import Predictor, load
from project.export.command import write_facts
from tests.browser import CONTRAST, NEEDED, browser, show
from tests.serve.conftest import Running

pytestmark = [pytest.mark.slow, NEEDED]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    with browser(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def bundle(bundle, tmp_path_factory) -> Path:
    """A bundle that is more confident than the toy model, so that single words matter."""
    folder = shutil.copytree(bundle, tmp_path_factory.mktemp("sure") / "bundle")
    facts = json.loads((folder / "bundle.json").read_text())
    write_facts(folder, facts | {"decision": {"temperature": 0.05, "thresholds": [], "abstain_below": 0.0}})
    return folder


@pytest.fixture(scope="module")
def predictor(bundle) -> Predictor:
    return load(bundle)


@pytest.fixture(scope="module")
def server(bundle, tmp_path_factory) -> Iterator[Running]:
    running = Running(bundle, tmp_path_factory.mktemp("log") / "log")
    yield running
    assert running.stop() == 0


@pytest.fixture
def page(chromium, server) -> Iterator[webdriver.Chrome]:
    """The page, freshly loaded; no test may cause a browser error, such as a policy violation."""
    show(chromium, 1024)
    chromium.get(server.url)
    yield chromium
    unexpected = [entry for entry in chromium.get_log("browser") if " 422 " not in entry["message"]]
    assert unexpected == []


def shown(driver: webdriver.Chrome, element: str) -> str:
    return driver.find_element(By.ID, element).text


def classify(driver: webdriver.Chrome, text: str) -> None:
    """Type a text, press the button, wait for the answer."""
    area = driver.find_element(By.ID, "text")
    area.clear()
    area.send_keys(text)
    driver.find_element(By.ID, "classify").click()
    wait(driver)


def wait(driver: webdriver.Chrome) -> None:
    done = "return !document.getElementById('classify').hasAttribute('aria-disabled')"
    WebDriverWait(driver, 20).until(lambda d: d.execute_script(done))
    WebDriverWait(driver, 20).until(lambda d: shown(d, "label") or shown(d, "problem"))


def focused(driver: webdriver.Chrome) -> str:
    element = driver.switch_to.active_element
    return element.get_attribute("id") or element.text or element.tag_name


@pytest.mark.parametrize("text", ["The music is lovely, and I would see it again.", "A dull film.", "知らない 🙃"])
def test_label_and_probabilities_are_the_models(page, predictor, text):
    page.execute_script("document.getElementById('text').value = arguments[0]", text)  # the driver types no emoji
    page.find_element(By.ID, "classify").click()
    wait(page)
    expected = predictor(text)
    assert shown(page, "label") == f"{expected.label}, {100 * expected.probability:.1f} %"
    rows = page.find_elements(By.CSS_SELECTOR, "#probabilities tr")
    by_share = sorted(expected.probabilities.items(), key=lambda pair: -pair[1])
    assert [row.text.split()[0] for row in rows] == [name for name, _ in by_share]
    assert [row.text.split()[-2] for row in rows] == [f"{100 * share:.1f}" for _, share in by_share]
    assert [row.get_attribute("class") for row in rows] == ["winner", ""]


def test_words_are_listed_by_effect(page, predictor):
    text = "The music is lovely, and I would see it again."
    classify(page, text)
    assert shown(page, "words") == text
    rows = [row.text for row in page.find_elements(By.CSS_SELECTOR, "#effects tr")]
    effects = [float(row.split()[-1].replace("\u2212", "-")) for row in rows]
    assert [abs(effect) for effect in effects] == sorted(map(abs, effects), reverse=True)
    word = rows[0].split()[0]
    whole, part = predictor([text, re.sub(rf" ?{re.escape(word)}", "", text, count=1).strip()])
    assert effects[0] == pytest.approx(100 * (whole.probability - part.probabilities[whole.label]), abs=0.051)


def test_text_is_shown_in_its_own_direction(page):
    classify(page, "الفيلم جميل.")
    direction = "return getComputedStyle(document.getElementById(arguments[0])).direction"
    shown_in = {name: page.execute_script(direction, name) for name in ("text", "words", "label")}
    assert shown_in == {"text": "rtl", "words": "rtl", "label": "ltr"}


def test_the_page_works_with_the_keyboard_alone(page):
    assert focused(page) == "text"
    ActionChains(page).send_keys("A dull film.", Keys.TAB).perform()
    assert focused(page) == "classify"
    ActionChains(page).send_keys(Keys.SPACE).perform()
    wait(page)
    assert shown(page, "label")
    order = []
    for _ in range(6):
        ActionChains(page).send_keys(Keys.TAB).perform()
        order.append(focused(page))
    assert order[0] == "A warm and funny film."  # the first of four examples
    assert order[4:] == ["OpenAPI document", "about the model"]


def test_an_example_is_classified_when_it_is_clicked(page, predictor):
    page.find_elements(By.CSS_SELECTOR, "#examples button")[1].click()
    wait(page)
    assert shown(page, "words") == "I want my two hours back."
    assert shown(page, "label").startswith(predictor("I want my two hours back.").label)


def test_the_heading_is_the_name_of_the_task(page, server):
    WebDriverWait(page, 20).until(lambda driver: shown(driver, "model"))
    assert (page.title, shown(page, "task")) == ("Toy", "Toy")


def test_a_word_has_the_colour_of_the_class_that_it_speaks_for(page):
    classify(page, "The music is lovely, and I would see it again.")
    colours = {
        element.text: element.value_of_css_property("color")
        for element in page.find_elements(By.CSS_SELECTOR, "#effects .supports")
    }
    marked = page.find_elements(By.CSS_SELECTOR, "#words .marked")
    assert marked
    for word in marked:
        name = word.get_attribute("title").rpartition(" for ")[2]
        assert word.value_of_css_property("border-bottom-color") == colours.get(name, "")


def test_a_model_that_abstains_says_so(chromium, bundle, tmp_path):
    folder = shutil.copytree(bundle, tmp_path / "bundle")
    facts = json.loads((folder / "bundle.json").read_text())
    write_facts(folder, facts | {"decision": {"temperature": 1.0, "thresholds": [], "abstain_below": 0.99}})
    running = Running(folder, tmp_path / "log")
    chromium.get(running.url)
    classify(chromium, "A dull film.")
    assert shown(chromium, "label") == "No label: the model is not sure enough."
    assert running.stop() == 0


@pytest.fixture(scope="module")
def locked(bundle, tmp_path_factory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("locked")
    (folder / "key").write_text("secret")
    running = Running(bundle, folder / "log", "--api_key_file", str(folder / "key"))
    yield running
    assert running.stop() == 0


@pytest.fixture
def locked_page(chromium, locked) -> Iterator[webdriver.Chrome]:
    """The page of a server that has a key, freshly loaded; nothing but that may be refused."""
    chromium.get(locked.url)
    WebDriverWait(chromium, 20).until(lambda driver: driver.find_element(By.ID, "key").is_displayed())
    yield chromium
    assert [entry for entry in chromium.get_log("browser") if " 401 " not in entry["message"]] == []


def enter_key(driver: webdriver.Chrome, key: str) -> None:
    field = driver.find_element(By.ID, "key")
    field.clear()
    field.send_keys(key)


def test_the_page_asks_for_the_key_of_a_server_that_has_one(locked_page):
    classify(locked_page, "A dull film.")
    assert shown(locked_page, "problem") == "Enter the key of this server."


@pytest.mark.parametrize("key", ["another", "schl\u00fcssel"])
def test_the_page_refuses_another_key(locked_page, key):
    enter_key(locked_page, key)
    classify(locked_page, "A dull film.")
    assert shown(locked_page, "problem") == "This is not the key of this server."


def test_the_page_works_with_the_key(locked_page):
    enter_key(locked_page, "secret")
    classify(locked_page, "A dull film.")
    assert shown(locked_page, "label")
    WebDriverWait(locked_page, 20).until(lambda driver: driver.title == "Toy")


def test_the_page_forgets_the_key_when_it_is_loaded_again(locked_page):
    enter_key(locked_page, "secret")
    locked_page.refresh()
    assert locked_page.find_element(By.ID, "key").get_attribute("value") == ""


def test_no_key_is_asked_for_where_none_is_needed(page):
    classify(page, "A dull film.")
    assert not page.find_element(By.ID, "key").is_displayed()


def test_ctrl_enter_classifies(page):
    ActionChains(page).send_keys("A dull film.").key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(
        Keys.CONTROL
    ).perform()
    wait(page)
    assert shown(page, "label")


def test_a_text_is_never_treated_as_markup(page):
    text = "<img src=x onerror=\"document.title='broken'\"> <b>lovely</b>"
    classify(page, text)
    assert shown(page, "words") == text
    assert page.title != "broken"
    assert page.find_elements(By.CSS_SELECTOR, "#answer img, #answer b") == []


def test_an_error_is_shown_and_the_next_text_replaces_it(page):
    classify(page, "   ")
    assert shown(page, "problem") == "text: the text is empty"
    classify(page, "A dull film.")
    assert shown(page, "problem") == ""
    assert shown(page, "label")


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nothing_scrolls_sideways(page, width):
    show(page, width)
    classify(page, "lovely " * 30 + "x" * 300)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(251, 251, 250)"), ("dark", "rgb(20, 22, 26)")])
def test_colours_follow_the_system_theme(page, scheme, ground):
    show(page, 1024, scheme)
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == ground


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_aa(page, scheme):
    show(page, 1280, scheme)
    classify(page, "The music is lovely, and I would see it again.")
    count, bad = page.execute_script(CONTRAST)
    assert count > 20
    assert bad == []


def test_the_page_requests_only_its_own_server(page, server):
    classify(page, "A dull film.")
    loaded = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert sorted(set(loaded)) == [f"{server.url}/explain", f"{server.url}/info"]


def test_the_picture_in_the_readme_is_small():
    assert (Path(__file__).parents[2] / "docs" / "page.png").stat().st_size < 200_000
