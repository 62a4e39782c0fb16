"""Drafts of the papers that the law asks for, made of the workspace's real settings and measured figures: an impact assessment, notices,
instructions for overseers, the retention schedule, and what changed since the last version.

Each statement names the setting or file that it comes from; what Muster cannot know is marked as a gap. No legal advice.
"""

from engine.operations.papers.desk import FORMATS, Issue, papers
from engine.operations.papers.facts import Facts, facts_of
from engine.operations.papers.model import PAPERS, Kind, Line, Paper, Part

__all__ = ["FORMATS", "PAPERS", "Facts", "Issue", "Kind", "Line", "Paper", "Part", "facts_of", "papers"]
