"""Needs and offers of technology, finance and labour: who fits whom and why; what credit was granted, lent and repaid.

Values in, values out. Introduces nobody and keeps nothing: the site does.
"""
