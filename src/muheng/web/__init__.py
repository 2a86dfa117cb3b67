"""The web site: settings, base templates, assets, and one thin app for each room that has state.

It knows people, requests and databases. What a rule does is in the library rooms beside it.
"""
