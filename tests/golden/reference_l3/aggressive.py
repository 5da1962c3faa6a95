"""Aggressive orders, execution by execution: the slow second implementation of `aggressive_trades`.

An execution is a dict of Listing, At (ns), Side, Price, Size, Match, Event and EventEnd; they come in order. Only what
decides which execution belongs to which order, and until when one may grow, is here; sums are the tests' own.
"""


def orders(executions, rules, gap, longest=None, monotone=False):
    """Lists of executions, an order each."""
    found = []
    for execution in executions:
        last = found[-1][-1] if found else None
        if (
            last is None
            or not _joins(last, execution, rules, gap, monotone)
            or _too_long(found[-1], execution, longest)
        ):
            found.append([])
        found[-1].append(execution)
    return found


def _joins(last, execution, rules, gap, monotone):
    if last["Listing"] != execution["Listing"] or last["Side"] is None or last["Side"] != execution["Side"]:
        return False
    if monotone and _falls_back(last, execution):
        return False
    for rule in rules:
        answer = _says(rule, last, execution, gap)
        if answer is not None:
            return answer
    return False


def _says(rule, last, execution, gap):
    if rule == "match_id":
        known = last["Match"] is not None and execution["Match"] is not None
        return last["Match"] == execution["Match"] if known else None
    if rule == "event":
        return True if last["Event"] == execution["Event"] else None
    return execution["At"] - last["At"] <= gap


def _falls_back(last, execution):
    if last["Price"] is None or execution["Price"] is None:
        return False
    rise = round(execution["Price"] * 1e9) - round(last["Price"] * 1e9)
    return rise < 0 if execution["Side"] == "Buy" else rise > 0


def _too_long(order, execution, longest):
    return longest is not None and execution["At"] - order[0]["At"] > longest


def final(found, rules, gap):
    """Until when each order may grow: the next order's first execution, or what the rules leave open; None for ever."""
    for order, following in zip(found, [*found[1:], None], strict=True):
        last = order[-1]
        breaks = following[0]["At"] if following and following[0]["Listing"] == last["Listing"] else None
        bounds = [bound for bound in (breaks, _grows_until(last, rules, gap)) if bound is not None]
        yield min(bounds) if bounds else None


def _grows_until(last, rules, gap):
    if "match_id" in rules and last["Match"] is not None:
        return None
    if "event" in rules and last["EventEnd"] is None:
        return None
    ends = [last["At"] + gap] if "gap" in rules else []
    return max([last["At"], *ends, *([last["EventEnd"]] if "event" in rules else [])])


def events(rows):
    """(number, stamp of the last row) of the exchange event of each row of (listing, stamp, whether it is the last)."""
    found = []
    for i, (listing, _, _) in enumerate(rows):
        number = sum(1 for other, _, last in rows[:i] if other == listing and last is not False)
        ends = [at for other, at, last in rows[i:] if other == listing and last is not False]
        found.append((number, ends[0] if ends else None))
    return found
