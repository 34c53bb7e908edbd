"""The wheel holds the configurations as a package of data, project.configs; everything else is in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["project", "project.*"]), "project.configs"],
    package_dir={"project.configs": "configs"},
)
