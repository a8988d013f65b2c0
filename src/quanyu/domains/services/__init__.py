"""Measure 5: public services (公共服务)."""
