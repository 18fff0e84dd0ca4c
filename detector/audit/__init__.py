"""The one use case: plan → engine → fold → report."""

from detector.audit.canary import sighted
from detector.audit.plan import Input, Site, plan
from detector.audit.run import Audited, Terms, audit, audited

__all__ = ["Audited", "Input", "Site", "Terms", "audit", "audited", "plan", "sighted"]
