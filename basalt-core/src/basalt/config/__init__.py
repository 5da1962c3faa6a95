"""Configuration: a pipeline file becomes checked objects, and every mistake becomes one sentence.

`read` is the way in; `structure` does the same for the options of one component; `filters` parses users' SQL.
"""
