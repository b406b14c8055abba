"""An agent without a fault."""

import acting

acting.play()
