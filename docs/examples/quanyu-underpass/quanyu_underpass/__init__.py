"""Underpasses: gauges measure the water on the road, and before cars are caught in it somebody closes the road."""
