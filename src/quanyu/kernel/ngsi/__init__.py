"""The words of NGSI-LD (ETSI GS CIM 009): contexts, entities as they are read and written, and the query language.

A document is stored in its normalized form compacted with the core context alone: a name is a bare word when its IRI is
that of a core term or lies in the default context, otherwise it is the IRI. A request without a context of its own
therefore needs no translation, and the city's own packs keep plain words.
"""
