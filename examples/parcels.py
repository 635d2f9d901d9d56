"""Writes ``parcels.csv`` and ``parcels-new.csv``, the made-up table of "From a CSV file to predictions".

1,500 parcels and 400 later ones, of which a third arrived late: by distance, weight, carrier, and chance. As in real
tables, weights are missing, texts have quotes and accents, one column only counts, and one is a date.
"""

import csv
from pathlib import Path

import numpy as np

HEADER = ["parcel", "sent", "carrier", "city", "km", "kg", "express", "note", "arrived"]
CARRIERS = ["Blitz & Co", "Post", "Möwe"]
CITIES = ["Köln", "Liège", "Zürich", "Łódź"]
NOTES = ["", "", "fragile, “glass”", 'says "call first"']


def parcel(number, rng):
    """One row."""
    carrier, city = rng.choice(CARRIERS), rng.choice(CITIES)
    km, kg = rng.gamma(2, 180), rng.gamma(2, 2.5)
    express = rng.random() < 0.3
    odds = 0.006 * km + 0.15 * kg - 3 * express - 3 + 1.2 * (carrier == "Möwe") * (km > 300)
    arrived = "late" if rng.random() < 1 / (1 + np.exp(-2 * odds)) else "on time"
    weight = "" if rng.random() < 0.08 else f"{kg:.1f}"
    note = NOTES[rng.integers(len(NOTES))]
    day = f"2025-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
    return [number, day, carrier, city, f"{km:.0f}", weight, "yes" if express else "no", note, arrived]


def main():
    """Write both files beside this one."""
    rng = np.random.default_rng(7)
    for name, first, last in (("parcels.csv", 1, 1500), ("parcels-new.csv", 1501, 1900)):
        with open(Path(__file__).with_name(name), "w", newline="", encoding="utf-8") as file:
            rows = (parcel(number, rng) for number in range(first, last + 1))
            csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


if __name__ == "__main__":
    main()
