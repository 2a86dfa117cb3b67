"""Sockets and clocks: the receiver of HJ 212, a simulated fleet of devices, the way out to a message broker.

What is said on the wire is in ``monitoring.hj212`` and ``monitoring.dialogue``; what is kept, in ``monitoring.store``.
"""
