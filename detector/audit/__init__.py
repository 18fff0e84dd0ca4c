"""The one use case: plan → engine → fold → report."""

from detector.audit.canary import sighted
from detector.audit.plan import Input, Site, plan
from detector.audit.run import Order, audit

__all__ = ["Input", "Order", "Site", "audit", "plan", "sighted"]
