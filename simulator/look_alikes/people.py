"""Who is near to somebody: friends, and a family that has spread."""

from __future__ import annotations

import numpy as np

from simulator.people import FRIENDS
from simulator.stage import Story


def friends_of(story: Story, person: int) -> list[int]:
    population = story.stage.population
    return list(dict.fromkeys(int(population.friends[person, slot]) for slot in range(FRIENDS)))


def relatives(story: Story, person: int, count: int) -> list[int]:
    """People of the same neighbourhood and, every fifth, of anywhere: a family that has spread."""
    people = story.stage.population.people
    near = [(person + offset) % people for offset in range(-count, count + 1) if offset]
    chosen = story.rng.choice(np.array(near), min(count, people // 3), replace=False)
    far = story.rng.integers(0, people, len(chosen))
    family = np.where(story.rng.random(len(chosen)) < 0.2, far, chosen)
    return [int(relative) for relative in dict.fromkeys(family.tolist()) if relative != person]
