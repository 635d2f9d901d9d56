"""The model card: one page of Markdown that says what a model is, from what, how good, and where not to trust it.

The headings are those of Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019), as far as train can know.
Read next: ``pictures.py``.
"""

from __future__ import annotations

from typing import Any

from .report import class_rows

COLUMNS = 40  # columns that are listed


def card(document: dict[str, Any], folder: str, pictures: list[str]) -> str:
    """The page.

    Parameters
    ----------
    document : dict
        That of the model's folder.
    folder : str
        Its name, for the commands.
    pictures : list of str
        The files that are there.
    """
    target, data = document["target"], document["data"]
    parts = [f"# A model that predicts {_code(target['name'])}", _summary(document), "", "## Use", "", "```sh"]
    parts += [
        f"tinytensor predict {folder} new.csv --out predictions.csv",
        f"tinytensor evaluate {folder} labelled.csv",
        "```",
        "",
        "## Data",
        "",
        f"- File: {_code(data['name'])}, {data['rows']:,} rows; SHA-256 `{data['sha256']}`",
        f"- Split: {data['training rows']:,} rows for training, {data['validation rows']:,} for validation, drawn with "
        f"seed {document['settings']['seed']}" + (", equal shares of each class" if data["stratified"] else ""),
        "- Means, scales and categories are those of the training rows only",
        "",
        *_columns(document),
        "",
        "## Measures on the validation rows",
        "",
        *_measures(document),
        "",
        *[f"![{name.removesuffix('.png')}]({name})" for name in pictures],
        "",
        "## Limits",
        "",
        *_limits(document),
        "",
        "## How it was trained",
        "",
        *_settings(document),
        "",
    ]
    return "\n".join(parts)


def _summary(document: dict[str, Any]) -> str:
    """What it is, in one line."""
    target, network = document["target"], document["network"]
    what = (
        f"one of {len(target['classes'])} classes ({', '.join(map(_code, target['classes'][:10]))}"
        f"{', …' if len(target['classes']) > 10 else ''})"
        if target["classes"]
        else "a number"
    )
    sizes = "-".join(map(str, network["sizes"]))
    return (
        f"\nIt predicts {what} from {len(document['preprocessing']['columns'])} columns: a multilayer perceptron "
        f"{sizes} with {network['parameters']:,} parameters, made by tinytensor {document['versions']['tinytensor']} "
        f"on {document['date']}."
    )


def _columns(document: dict[str, Any]) -> list[str]:
    """What each column is, and why others are not used."""
    columns = document["preprocessing"]["columns"]
    found = ["| column | kind | in the training rows |", "|---|---|---|"]
    for column in columns[:COLUMNS]:
        if column["kind"] == "category":
            names = ", ".join(map(_code, column["categories"][:8])) + (", …" if len(column["categories"]) > 8 else "")
            what = f"{len(column['categories'])} categories: {names}"
        else:
            what = f"mean {column['mean']:.4g}, standard deviation {column['scale']:.4g}"
        what += "; some values missing" * column["missing"]
        found.append(f"| {_code(column['name'])} | {column['kind']} | {what} |")
    if len(columns) > COLUMNS:
        found.append(f"| … | | and {len(columns) - COLUMNS} more, in `model.json` |")
    left_out = list(document["left out"].items())
    if left_out:
        found += ["", "Left out:", ""]
        found += [f"- {_code(name)}: {reason}" for name, reason in left_out[:COLUMNS]]
        if len(left_out) > COLUMNS:
            found.append(f"- and {len(left_out) - COLUMNS} more, in `model.json`")
    return found


def _measures(document: dict[str, Any]) -> list[str]:
    """The measures as lines and a table."""
    measures = document["measures"]["validation"]
    if measures is None:
        return ["None: the model was trained without validation rows (`--valid 0`). Use `tinytensor evaluate`."]
    training = document["measures"]["training"]
    if "accuracy" not in measures:
        r2 = ["undefined" if part["R2"] is None else f"{part['R2']:.4f}" for part in (measures, training)]
        return [
            f"- R²: **{r2[0]}** (training rows: {r2[1]})",
            f"- Mean absolute error: {measures['MAE']:.6g}",
            f"- Root of the mean squared error: {measures['RMSE']:.6g}; always the mean: "
            f"{measures['baseline RMSE']:.6g}",
        ]
    header, *rows = class_rows(measures)
    return [
        f"- Accuracy: **{measures['accuracy']:.1%}** (training rows: {training['accuracy']:.1%}); always "
        f"{_code(measures['most frequent class'])}: {measures['baseline']:.1%}",
        f"- Balanced accuracy: {measures['balanced accuracy']:.1%}; macro F1: {measures['macro F1']:.3f}",
        "",
        f"| {' | '.join(header)} |",
        "|---|---:|---:|---:|---:|",
        *[f"| {_code(name)} | {' | '.join(numbers)} |" for name, *numbers in rows],
    ]


def _limits(document: dict[str, Any]) -> list[str]:
    """Where not to trust it."""
    found = []
    if document["data"]["validation rows"]:
        found.append(
            "- The validation rows also chose the epoch, and perhaps you chose settings by them: expect a little less "
            "on rows that nobody has looked at."
        )
    rows = document["data"]["validation rows"]
    if 0 < rows < 200:
        found.append(f"- There are only {rows} validation rows: the measures are rough.")
    found += [
        "- Rows that differ from the training data (another time, place or way of measuring) may be predicted worse, "
        "and nothing here notices.",
        "- Probabilities are the network's own and are not calibrated.",
        "- Whether the data treat groups of people fairly was not looked at.",
    ]
    if document["task"] == "regression":
        del found[-2]
    found += [f"- {note[0].upper()}{note[1:]}." for note in document["notes"]]
    return found


def _settings(document: dict[str, Any]) -> list[str]:
    """Settings, epochs and versions."""
    trained, versions = document["training"], document["versions"]
    settings = ", ".join(f"{name} {value}" for name, value in document["settings"].items() if value is not None)
    return [
        f"- {trained['epochs']} epochs, ended by {trained['reason']}; the weights are those of epoch {trained['best']}",
        f"- Settings: {settings}",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}",
        "- The same file, settings and versions on the same kind of machine give the same model.",
    ]


def _code(text: object) -> str:
    """A text of the data, so that nothing in it is taken for Markdown or HTML."""
    plain = "".join(c if c.isprintable() else " " for c in str(text)).replace("`", "'").replace("|", "\\|").strip()
    return f"`{plain}`" if plain else "(empty)"
