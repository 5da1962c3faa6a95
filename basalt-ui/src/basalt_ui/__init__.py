"""basalt-ui: terminal apps for basalt, as commands of its own. Nothing here is imported until a command runs."""
