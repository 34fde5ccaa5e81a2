"""A seeded stream of service logs with labelled incidents.

``logguard simulate`` writes it and ``logguard demo`` finds the incidents in it. The lines are those
that seven services of a web shop would log. How LogGuard reads or judges them is not known here:
nothing of :mod:`log_guard.core` is imported. The same spec gives the same bytes.

====================  ==============================================================
``spec``              what to simulate
``arrays``            names for the types of arrays
``fields``            the values that vary in a message
``templates``         message texts, and their rendering as JSON lines
``services``          what each service says on a normal day
``load``              how often: the arrival times of normal traffic
``incident_texts``    what services say on a bad day
``incidents``         the kinds of incident, one function each
``schedule``          which incidents happen when, and how large they are
``stream``            all of it together: :func:`simulate`
``truth``             the labels
====================  ==============================================================
"""

from log_guard.app.simulate.incidents import ALL_KINDS
from log_guard.app.simulate.schedule import Incident
from log_guard.app.simulate.spec import SimulationSpec
from log_guard.app.simulate.stream import Simulation, simulate
from log_guard.app.simulate.truth import labels

__all__ = ["ALL_KINDS", "Incident", "Simulation", "SimulationSpec", "labels", "simulate"]
