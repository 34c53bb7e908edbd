"""JSON -> checked requests: every text is checked before it shares a batch with those of other requests."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from project.decision import Prediction
from project.predict import WordEffect
from project.serve.limits import MAX_CHARACTERS, MAX_EXPLAINED, MAX_TEXTS
from project.text import text_fault

SHOWN: dict[str, Any] = {"examples": [{"text": "A warm and funny film."}]}


def checked(text: str) -> str:
    """Return `text` unchanged.

    Raises:
        PydanticCustomError: It is empty, has a NUL character, or is not valid UTF-8.
    """
    fault = text_fault(text)
    if fault:
        raise PydanticCustomError("text", "{fault}", {"fault": fault})
    return text


# what `checked` checks, as far as the OpenAPI document can say it
PATTERN = {"pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}
Text = Annotated[str, Field(max_length=MAX_CHARACTERS, json_schema_extra=PATTERN), AfterValidator(checked)]
KINDS = {"text": "string", "texts": "array"}
EITHER: list[Any] = [{"required": [name], "properties": {name: {"type": kind}}} for name, kind in KINDS.items()]


class PredictRequest(BaseModel):
    """One text, or several."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={**SHOWN, "oneOf": EITHER})

    text: Text | None = None
    texts: Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)] | None = None

    @model_validator(mode="after")
    def either(self) -> Self:
        """Check that exactly one of the two fields is given."""
        if (self.text is None) == (self.texts is None):
            raise PydanticCustomError("either", 'give either "text" or "texts"')
        return self

    def all_texts(self) -> list[str]:
        """Return the texts of either field."""
        return [self.text] if self.text is not None else self.texts or []


class PredictAnswer(BaseModel):
    """A prediction for each text, in the same order."""

    predictions: list[Prediction]


class ExplainRequest(BaseModel):
    """One text."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=SHOWN)

    text: Annotated[str, Field(max_length=MAX_EXPLAINED, json_schema_extra=PATTERN), AfterValidator(checked)]


class Explanation(BaseModel):
    """A prediction and its words."""

    prediction: Prediction
    words: list[WordEffect]  # in their order
    more_words: int  # how many follow that are not explained


FIELDS = {"/predict": list(PredictRequest.model_fields), "/explain": list(ExplainRequest.model_fields)}


class ExplainAnswer(BaseModel):
    """The prediction, and what each word adds to its probability."""

    explanation: Explanation


class Health(BaseModel):
    """Whether the server accepts requests."""

    status: str


class Info(BaseModel):
    """The model and the limits of a request."""

    version: str  # of this repository
    label_names: list[str]
    decision: dict[str, Any]  # temperature, thresholds, abstain_below
    weights: str
    network: dict[str, Any]
    tokenizer: dict[str, str | int]
    corpus: str
    fingerprint: str
    versions: dict[str, str]
    parity: dict[str, float]
    sha256: dict[str, str]
    limits: dict[str, int]


class Failure(BaseModel):
    """What is wrong, in one line."""

    error: str
