"""The schema browser: every module and column there is, searched as you type, explained as you move."""
