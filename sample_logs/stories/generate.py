"""Write the stories: seeded, so that every run leaves the same bytes.

``python sample_logs/stories/generate.py [FOLDER [STORY…]]`` writes each story's logs, people directory, papers and
``expected.json`` below the folder (this one by default). Nothing but the standard library is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from storyline import calgary, edmonton, halifax, opp, rcmp, twins


def main() -> None:
    """Write all stories."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    told = (opp.story, calgary.story, edmonton.story, halifax.story, rcmp.story, *twins.STORIES)
    for tell in told:
        story = tell()
        if not sys.argv[2:] or story.name in sys.argv[2:]:
            story.write(folder)
            print(story.name)


if __name__ == "__main__":
    main()
