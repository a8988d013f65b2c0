"""Warnings: drafted from templates, checked, approved by a second person, spread by every channel, lifted and reviewed."""
