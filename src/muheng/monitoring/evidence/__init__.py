"""Evidence of one event: a folder with frames, values, marks, answers and photos that verifies anywhere."""

from muheng.monitoring.evidence.checking import EvidenceError, Verification, is_evidence, verify_evidence
from muheng.monitoring.evidence.export import export_evidence
from muheng.monitoring.evidence.request import Photo, Request
from muheng.monitoring.evidence.sealing import Sealed, seal_evidence

__all__ = [
    "EvidenceError",
    "Photo",
    "Request",
    "Sealed",
    "Verification",
    "export_evidence",
    "is_evidence",
    "seal_evidence",
    "verify_evidence",
]
