"""The indexes beside the declared tables: an R*Tree of boxes, observed values, what expires."""

from __future__ import annotations

from typing import Final

SCHEMA: Final = """
CREATE INDEX IF NOT EXISTS entity_expires ON entity (expires) WHERE expires IS NOT NULL;
CREATE INDEX IF NOT EXISTS field_attribute ON field (attribute);
CREATE INDEX IF NOT EXISTS field_geo ON field (code) WHERE form = 'GeoProperty';
CREATE INDEX IF NOT EXISTS last_value ON last (attribute, value);
CREATE VIRTUAL TABLE IF NOT EXISTS place_box USING rtree (key, west, east, south, north);
CREATE TRIGGER IF NOT EXISTS place_put AFTER INSERT ON place BEGIN
    INSERT INTO place_box VALUES (new.key, new.west, new.east, new.south, new.north);
END;
CREATE TRIGGER IF NOT EXISTS place_moved AFTER UPDATE ON place BEGIN
    UPDATE place_box SET west = new.west, east = new.east, south = new.south, north = new.north WHERE key = new.key;
END;
CREATE TRIGGER IF NOT EXISTS place_gone AFTER DELETE ON place BEGIN
    DELETE FROM place_box WHERE key = old.key;
END;
"""
