"""YAML files: read with errors of one line, written whole or not at all."""

from splitstrument.files.writing import write_text


def read_yaml(path):
    """What the YAML file `path` holds; ValueError with one line where it cannot be read."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened: {error.strerror.lower()}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None


def plain(value):
    """`value` with lists for tuples, as YAML and JSON keep them."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def flat(values, place=""):
    """{dotted name: value} of nested dicts."""
    if not isinstance(values, dict):
        return {place: values}
    parts = (flat(each, f"{place}.{name}" if place else name) for name, each in values.items())
    return {name: each for part in parts for name, each in part.items()}


def write_yaml(path, content, **style):
    """Write `content` as YAML in its own order; `style`: of yaml.dump. Raises AudioError where writing fails."""
    import yaml

    style = {"sort_keys": False, "allow_unicode": True, "width": 1000} | style
    write_text(path, yaml.dump(plain(content), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), **style))
