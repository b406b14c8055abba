"""A daemon that also cleared its environment: nothing but a subreaper knows whose it is."""

import acting

acting.start_sleeper(daemon=True, clear_environment=True)
acting.play()
