"""Who looks after which enterprise, when it is due to be visited, and the way through a day's visits.

Values in, values out. Keeps nothing and knows no account: the site does. What was found on a visit is a case (``casework``).
"""
