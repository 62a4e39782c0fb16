"""Words of what the engine writes for people (reports, workbooks, e-mails, messages of imports) in the reader's language.

English texts are in the code, other languages in `locale/<code>/LC_MESSAGES/engine.po`; `make words` collects new sentences. The words
of pages are in `app.words`, which asks this catalogue, too. Not here: logs and errors of the command line, which are English.
"""

from engine.words.catalogue import LANGUAGES, translations
from engine.words.phrases import N_, Phrase, phrase
from engine.words.words import ENGLISH, Words

__all__ = ["ENGLISH", "LANGUAGES", "N_", "Phrase", "Words", "phrase", "translations"]
