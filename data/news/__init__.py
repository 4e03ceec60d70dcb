"""News: from wraps and headlines to tagged events."""

from aftershock.data.news.documents import read_documents
from aftershock.data.news.tagger import TAGGER, Tagged, Told, read_news, tag, tell
from aftershock.data.news.taxonomy import Taxonomy, load_taxonomy
from aftershock.data.news.types import Document

__all__ = [
    "TAGGER",
    "Document",
    "Tagged",
    "Taxonomy",
    "Told",
    "load_taxonomy",
    "read_documents",
    "read_news",
    "tag",
    "tell",
]
