"""Percentiles and a forecast from a CSV of tickets: python forecast_from_csv.py tickets.csv 2026-03-09"""

import csv
import sys
from datetime import UTC, date, datetime

import numpy as np

from dpp.domain.calendar import BusinessCalendar, to_micros
from dpp.domain.flow import cycle_times
from dpp.domain.forecast import forecast
from dpp.domain.throughput import weekly_throughput

calendar = BusinessCalendar(zone="Europe/London", holidays=frozenset({date(2026, 1, 1)}))
made_on = date.fromisoformat(sys.argv[2])
now = datetime(made_on.year, made_on.month, made_on.day, tzinfo=UTC)

with open(sys.argv[1], newline="", encoding="utf-8") as file:
    tickets = list(csv.DictReader(file))
finished = [ticket for ticket in tickets if ticket["done"]]
begun, done = (
    [to_micros(datetime.fromisoformat(ticket[column])) for ticket in finished] for column in ("begun", "done")
)

# Working days from the first active work until completion, one number a ticket.
days = calendar.elapsed_days(starts=np.array(begun), ends=np.array(done))
for name, figure in cycle_times(days).items():
    print(f"{name}: {figure.value:.1f} working days ({figure.sample_size} tickets)")

# Completions per week, the empty ones included, and what they say of the tickets that are left.
weeks = weekly_throughput(completed_at=np.array(done), first_event=min(begun), now=to_micros(now), calendar=calendar)
remaining = len(tickets) - len(finished)
found = forecast(scope=remaining, sample=weeks.completions.tolist(), made_on=made_on, seed=1)
print(f"{remaining} tickets left; done per week: {', '.join(map(str, weeks.completions))}")
for percent, day in found.completion_dates.items():
    print(f"{percent} % sure: by {day}")
