"""A million cases on both databases: inboxes, the overdue list, the ranking, a case, an act, under load; and due dates
worked out a million times.
"""
