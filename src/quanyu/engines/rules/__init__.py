"""Rules: what needs attention. Declared conditions are compiled to vectors and judged over batches of observations.

A batch is routed by (entity type, attribute), sorted by series and judged whole: thresholds of one attribute share two
binary searches and one level per series, other conditions are vector expressions. Repeats of a series inside a batch
are a scan of clamps, so any cut of a stream into batches gives the same episodes. Findings go back as `case.find`.
"""
