"""Requests that programs log behind a time of their own: IIS (W3C), Squid, and Heroku's router."""

from __future__ import annotations

import polars as pl

from log_guard.core.decoding.formats import status

# The fields that are chosen unless somebody chooses others; the size and the duration may be more, or none.
_IIS = (
    r"^(?:[\w.:%-]+ ){1,3}(?P<method>[A-Z]{3,10}) (?P<path>/\S*) (?P<query>\S+) [0-9]{1,5} \S+ [0-9a-fA-F.:%]+ "
    r".*?(?P<status>[1-5][0-9]{2}) [0-9]{1,3} [0-9]{1,10}(?: [0-9]+){0,3}$"
)
_SQUID = (
    r"^ *-?[0-9]+ \S+ (?P<result>[A-Z_]+)/(?P<status>[1-5][0-9]{2}) (?P<size>[0-9]+) "
    r"(?P<request>[A-Z_]+ \S+) \S+ [A-Z_]+/"
)
MARKS = r"GET /|POST /|HEAD /|PUT /|OPTIONS /|DELETE /|PATCH /|TCP_|UDP_|NONE_"
"""One of these stands in most such lines of IIS and all of Squid."""

_ROUTER = r"^at=(?P<at>[a-z]+) (?:.* )?status=(?P<status>[1-5][0-9]{2})(?: |$)"


def with_requests(raw: pl.DataFrame, at: pl.Series) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with messages of these rows, by their numbers, told as an access log tells them."""
    line = pl.col("line")
    found = (
        raw["message"]
        .gather(at)
        .to_frame("line")
        .select(iis=line.str.extract_groups(_IIS), squid=line.str.extract_groups(_SQUID))
    )
    iis, squid = pl.col("iis").struct, pl.col("squid").struct
    query = iis.field("query")
    asked = pl.format("{} {}", iis.field("method"), iis.field("path"))
    asked = pl.when(query == "-").then(asked).otherwise(pl.concat_str(asked, pl.lit("?"), query))
    level, message = status.answered(
        pl.coalesce(asked, squid.field("request")),
        pl.coalesce(iis.field("status"), squid.field("status")),
        pl.format(", {} bytes, {}", squid.field("size"), squid.field("result")).fill_null(""),
    )
    told = found.select(level=level, message=message)
    return raw.with_columns(
        raw[name].scatter(at, told[name].fill_null(raw[name].gather(at))) for name in told.columns
    )


def with_router(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` with how a request was answered as the level, and told, of Heroku's ``at=info ... status=503``."""
    at = raw["message"].str.starts_with("at=").fill_null(False).arg_true()
    if not len(at):
        return raw
    message = raw["message"].gather(at)
    found = message.to_frame("line").select(pl.col("line").str.extract_groups(_ROUTER))
    own, code = found.unnest("line").get_columns()
    said = {text: status.said(text) or ("", "") for text in code.drop_nulls().unique()}
    levels, more = ({text: pair[n] for text, pair in said.items()} for n in (0, 1))
    by_code = code.replace_strict(levels, default=None, return_dtype=pl.String)
    level = by_code.set((own == "error").fill_null(False), "error")
    added = code.replace_strict(more, default=None, return_dtype=pl.String)
    return raw.with_columns(
        raw["level"].scatter(at, level.fill_null(raw["level"].gather(at))),
        raw["message"].scatter(at, status.with_statuses(message, added)),
    )
