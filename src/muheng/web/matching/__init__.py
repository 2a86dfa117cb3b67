"""Needs and offers of technology, finance and labour; credit, loans and gatherings."""
