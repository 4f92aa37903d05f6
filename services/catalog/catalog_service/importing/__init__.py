"""Files about malls: YAML for a whole mall, CSV and XLSX for lists of a mall that exists."""

from catalog_service.importing.reading import FORMATS, Progress, format_of, read, target

__all__ = ["FORMATS", "Progress", "format_of", "read", "target"]
