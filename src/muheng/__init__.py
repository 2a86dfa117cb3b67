"""Muheng (亩衡): software for the green transformation of industry. See docs/design.md."""
