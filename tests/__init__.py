"""Tests of Quanyu; a package, so that no dependency's folder of the same name is taken for it."""
