"""Plotly figures. They take typed values of the engine and escape what people have typed, because Plotly interprets some HTML.

Each module is imported only when its chart is shown: Plotly takes a moment to load. None needs Streamlit: notebooks draw with them, too.
"""
